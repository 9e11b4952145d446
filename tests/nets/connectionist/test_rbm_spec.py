import subprocess
import sys

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.connectionist.rbm_spec import RBMSpec


def built(spec: RBMSpec, shape: tuple[int, ...], *scaling: tuple[float, ...]) -> RBM:
    net = spec.build(shape, 10, *scaling)
    assert isinstance(net, RBM)
    return net


def test_bernoulli_units_see_the_span_as_nought_to_one() -> None:
    net = built(RBMSpec(8, span=(-1.0, 3.0)), (2, 2, 2), (1.0, 2.0), (0.5, 4.0))
    source = torch.tensor([-1.0, 0.0, 1.0, 3.0]).repeat(2).view(1, 2, 2, 2)
    x = (source - torch.tensor([1.0, 2.0]).view(2, 1, 1)) / torch.tensor([0.5, 4.0]).view(2, 1, 1)
    torch.testing.assert_close(net.units(x), torch.tensor([[0.0, 0.25, 0.5, 1.0] * 2]))


def test_bernoulli_units_begin_as_often_on_as_in_the_data() -> None:
    net = built(RBMSpec(8, span=(0.0, 10.0)), (2, 1, 2), (2.5, 0.01), (1.0, 1.0))
    begin = torch.sigmoid(net.visible_bias.detach())
    torch.testing.assert_close(begin, torch.tensor([0.25, 0.25, 0.01, 0.01]))


def test_inputs_that_are_not_standardised_tell_nothing_of_their_mean() -> None:
    assert not built(RBMSpec(8, span=(0.0, 1.0)), (3,), (0.0,) * 3, (1.0,) * 3).visible_bias.any()


def test_vectors_have_a_scale_a_feature() -> None:
    net = built(RBMSpec(8, span=(0.0, 1.0)), (3,), (0.5, 0.5, 0.2), (0.1, 0.2, 0.4))
    torch.testing.assert_close(net.units(torch.ones(1, 3)), torch.tensor([[0.6, 0.7, 0.6]]))


@pytest.mark.parametrize(
    "net", [built(RBMSpec(8, visible="gaussian"), (3,), (5.0,) * 3, (2.0,) * 3), built(RBMSpec(8), (3,))]
)
def test_gaussian_units_and_unscaled_inputs_come_as_they_are(net: RBM) -> None:
    x = torch.tensor([[0.0, 0.5, 1.0]])
    assert torch.equal(net.units(x), x)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "net.hidden: expected a whole number >= 1, got 0"),
        ({"k": 0}, "net.k: expected a whole number >= 1, got 0"),
        ({"chains": 0}, "net.chains"),
        ({"span": (1.0, 1.0)}, "net.span: expected two numbers, the smaller first"),
        ({"span": (1.0,)}, "net.span"),
        ({"span": (0.0, float("nan"))}, "net.span"),
    ],
)
def test_what_no_machine_can_be(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RBMSpec(**settings)  # type: ignore[arg-type]


def test_naming_it_needs_no_torch() -> None:
    code = "from neurarium.nets.connectionist.rbm_spec import RBMSpec; RBMSpec(); import sys; assert 'torch' not in "
    subprocess.run([sys.executable, "-c", code + "sys.modules"], check=True)
