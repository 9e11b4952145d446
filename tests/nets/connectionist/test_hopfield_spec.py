import subprocess
import sys

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.record.schema import Field, Schema


def built(
    spec: HopfieldSpec,
    shape: tuple[int, ...],
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    value_range: tuple[float, float] | None = (0.0, 255.0),
) -> AssociativeMemory:
    # no target is asked for
    net = spec.build(Schema({"x": Field(shape, mean=mean, std=std, value_range=value_range)}))
    assert isinstance(net, AssociativeMemory)
    return net


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.6, 254 / 255])
def test_standardised_pixels_become_what_the_source_says(threshold: float) -> None:
    # 51 and 153 lie on the thresholds 0.2 and 0.6
    pixels = np.arange(2 * 256).reshape(1, 2, 16, 16) % 256
    mean, std = (33.3184, 120.7), (78.5675, 3.01)
    x = (pixels - np.reshape(mean, (2, 1, 1))) / np.reshape(std, (2, 1, 1))
    net = built(HopfieldSpec(threshold=threshold), (2, 16, 16), mean, std)
    states = net.units(torch.from_numpy(x.astype(np.float32)))
    cut = round(255 * threshold, 9)
    np.testing.assert_array_equal(states.numpy(), np.where(pixels > cut, 1.0, -1.0).reshape(1, -1))


def test_a_value_on_the_threshold_is_not_above_it_however_it_is_rounded() -> None:
    rng = np.random.default_rng(0)
    mean, std = rng.uniform(0, 255, 500), rng.uniform(0.01, 128, 500)
    net = built(HopfieldSpec(threshold=0.2), (500,), tuple(mean), tuple(std))
    x = (np.array([[50], [51], [52]], dtype=np.float32) - mean.astype(np.float32)) / std.astype(np.float32)
    assert net.units(torch.from_numpy(x)).mean(1).tolist() == [-1, -1, 1]


def test_the_scaling_of_a_data_set_is_undone() -> None:
    raw = torch.randint(0, 256, (20, 3, 4, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    std, mean = torch.std_mean(raw.double(), dim=(0, 2, 3), correction=0)
    net = built(HopfieldSpec(), (3, 4, 4), tuple(mean.tolist()), tuple(std.tolist()))
    expected = torch.where(raw.flatten(1) > 127, 1.0, -1.0)
    x = (raw.float() - mean.float().view(3, 1, 1)) / std.float().view(3, 1, 1)
    assert torch.equal(net.units(x), expected)


def test_vectors_have_a_scale_a_feature() -> None:
    net = built(HopfieldSpec(), (3,), (5.0, 4.0, 2.0), (1.0, 2.0, 10.0), (0.0, 10.0))
    # 5 -> 0, 0.5, 0.3
    assert net.units(torch.tensor([[0.1, 0.4, 0.4], [-0.1, 0.6, 0.2]])).tolist() == [[1, -1, 1], [-1, 1, -1]]


def test_inputs_that_are_not_standardized_come_from_nought_to_one() -> None:
    net = built(HopfieldSpec(threshold=0.25), (1, 1, 3), value_range=None)
    assert net.units(torch.tensor([[[[0.2, 0.25, 0.3]]]])).tolist() == [[-1, -1, 1]]


def test_inputs_of_a_known_range_that_are_not_standardized() -> None:
    net = built(HopfieldSpec(threshold=0.25), (1, 1, 3), value_range=(-10.0, 30.0))
    assert net.units(torch.tensor([[[[-1.0, 0.0, 1.0]]]])).tolist() == [[-1, -1, 1]]


def test_standardized_inputs_must_tell_their_range() -> None:
    with pytest.raises(DataError, match=r"value range of the input: .*the net hopfield counts on, got none"):
        built(HopfieldSpec(), (3,), (5.0,) * 3, (2.0,) * 3, None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patterns": 0}, "net.patterns: expected an integer >= 1, got 0"),
        ({"order": 1, "storage": "dense"}, "net.order: expected an integer >= 2, or none, got 1"),
        ({"order": 3}, "net.order: expected none, as only the dense memory uses it, got 3 with .* pseudo-inverse"),
        ({"beta": 0.0, "storage": "modern"}, "net.beta: expected a finite number above 0"),
        ({"beta": float("nan"), "storage": "modern"}, "net.beta"),
        ({"beta": 1.0, "storage": "dense"}, "net.beta: expected 0.25, as only the modern memory uses it"),
        ({"threshold": 1.0}, r"net.threshold: expected a fraction in \[0, 1\)"),
        ({"threshold": -0.1}, "net.threshold"),
        ({"flip": 1.1}, r"net.flip: expected a fraction in \[0, 1\]"),
        ({"flip": float("nan")}, "net.flip"),
    ],
)
def test_what_no_memory_can_be(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HopfieldSpec(**settings)  # type: ignore[arg-type]


def test_an_unknown_storage() -> None:
    spec = HopfieldSpec()
    object.__setattr__(spec, "storage", "hebb")  # the tests' type checks would not let it in
    with pytest.raises(ConfigError, match=r"net.storage: expected one of hebbian, .*, got hebb"):
        spec.__post_init__()


def test_naming_it_needs_no_torch() -> None:
    code = "from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec; HopfieldSpec(); import sys; "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)
