import subprocess
import sys

import pytest
import torch

from neurarium.checks import ConfigError, DataError
from neurarium.nets.connectionist.rbm import RBM, sample_visible
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.record.schema import Field, Schema


def built(
    spec: RBMSpec,
    shape: tuple[int, ...],
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    value_range: tuple[float, float] | None = None,
) -> RBM:
    # no target is asked for
    net = spec.build(Schema({"x": Field(shape, mean=mean, std=std, value_range=value_range)}))
    assert isinstance(net, RBM)
    return net


def test_bernoulli_units_see_the_value_range_as_nought_to_one() -> None:
    net = built(RBMSpec(8), (2, 2, 2), (1.0, 2.0), (0.5, 4.0), (-1.0, 3.0))
    source = torch.tensor([-1.0, 0.0, 1.0, 3.0]).repeat(2).view(1, 2, 2, 2)
    x = (source - torch.tensor([1.0, 2.0]).view(2, 1, 1)) / torch.tensor([0.5, 4.0]).view(2, 1, 1)
    torch.testing.assert_close(net.units(x), torch.tensor([[0.0, 0.25, 0.5, 1.0] * 2]))


def test_samples_come_back_in_the_units_of_the_source() -> None:
    net = built(RBMSpec(8), (2, 2, 2), (1.0, 2.0), (0.5, 4.0), (-1.0, 3.0))
    made = net.sample(6, seed=3, steps=4)
    source = made * torch.tensor([0.5, 4.0]).view(2, 1, 1) + torch.tensor([1.0, 2.0]).view(2, 1, 1)
    v = sample_visible(net.weights, 6, 4, generator=torch.Generator().manual_seed(3)).detach()
    torch.testing.assert_close(source, (-1 + 4 * v).view(6, 2, 2, 2))


def test_bernoulli_units_begin_as_often_on_as_in_the_data() -> None:
    net = built(RBMSpec(8), (2, 1, 2), (2.5, 0.01), (1.0, 1.0), (0.0, 10.0))
    begin = torch.sigmoid(net.visible_bias.detach())
    torch.testing.assert_close(begin, torch.tensor([0.25, 0.25, 0.01, 0.01]))


@pytest.mark.parametrize("value_range", [None, (0.0, 1.0), (-1.0, 3.0)])
def test_inputs_that_are_not_standardized_tell_nothing_of_their_mean(value_range: tuple[float, float] | None) -> None:
    assert not built(RBMSpec(8), (3,), value_range=value_range).visible_bias.any()
    assert not built(RBMSpec(8), (3,), (0.0,) * 3, (1.0,) * 3, (0.0, 1.0)).visible_bias.any()


def test_vectors_have_a_scale_a_feature() -> None:
    net = built(RBMSpec(8), (3,), (0.5, 0.5, 0.2), (0.1, 0.2, 0.4), (0.0, 1.0))
    torch.testing.assert_close(net.units(torch.ones(1, 3)), torch.tensor([[0.6, 0.7, 0.6]]))


def test_inputs_of_a_known_range_that_are_not_standardized() -> None:
    net = built(RBMSpec(8), (3,), value_range=(-1.0, 3.0))
    torch.testing.assert_close(net.units(torch.tensor([[-1.0, 0.0, 3.0]])), torch.tensor([[0.0, 0.25, 1.0]]))


@pytest.mark.parametrize(
    "net", [built(RBMSpec(8, visible="gaussian"), (3,), (5.0,) * 3, (2.0,) * 3), built(RBMSpec(8), (3,))]
)
def test_gaussian_units_and_unscaled_inputs_come_as_they_are(net: RBM) -> None:
    x = torch.tensor([[0.0, 0.5, 1.0]])
    assert torch.equal(net.units(x), x)


def test_bernoulli_units_must_know_the_value_range() -> None:
    with pytest.raises(DataError, match=r"value range of the input: .*the net rbm counts on, got none"):
        built(RBMSpec(8), (3,), (5.0,) * 3, (2.0,) * 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "net.hidden: expected an integer >= 1, got 0"),
        ({"k": 0}, "net.k: expected an integer >= 1, got 0"),
        ({"chains": 0}, "net.chains"),
    ],
)
def test_what_no_machine_can_be(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RBMSpec(**settings)  # type: ignore[arg-type]


def test_naming_it_needs_no_torch() -> None:
    code = "from neurarium.nets.connectionist.rbm_spec import RBMSpec; RBMSpec(); import sys; assert 'torch' not in "
    subprocess.run([sys.executable, "-c", code + "sys.modules"], check=True)
