import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.expect import expect
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.feedforward.regression import LinearModel
from neurarium.nets.interfaces import (
    DensityModel,
    Generative,
    Hyperplane,
    LinearInParameters,
    Memory,
    Reconstructing,
)

from ..contract import SPECS

KINDS = {
    Generative: {"gan", "dcgan", "rbm"},
    Reconstructing: {"autoencoder", "convolutional-autoencoder"},
    DensityModel: {"rbm"},
    Memory: {"hopfield"},
    Hyperplane: {"perceptron"},
    LinearInParameters: {"linear", "logistic", "random-features"},
}
ALONE = [name for name, spec in SPECS.items() if not spec.needs]


@pytest.mark.parametrize("name", ALONE)
def test_every_net_is_what_it_can_do_and_nothing_else(name: str) -> None:
    net = SPECS[name].build(SPECS[name].example())
    for kind, names in KINDS.items():
        assert isinstance(net, kind) == (name in names)
        if name in names:
            assert expect(net, kind, "a test") is net
        else:
            with pytest.raises(ConfigError, match=f"net: expected a net of the kind {kind.__name__} for a test, got"):
                expect(net, kind, "a test")


def test_a_class_of_nets_can_be_asked_for() -> None:
    net: nn.Module = RBM(4, 2)
    assert expect(net, RBM, "contrastive divergence") is net
    with pytest.raises(ConfigError, match="of the kind RBM for contrastive divergence, got MLP"):
        expect(MLP((4, 2)), RBM, "contrastive divergence")


def test_looks_do_not_count() -> None:
    class Alike(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3, 2)

        def features(self, x: Tensor) -> Tensor:
            return x

        def outputs(self, a: Tensor) -> Tensor:
            return a

    assert not isinstance(Alike(), LinearInParameters)


def test_what_is_not_done_is_found_when_the_net_is_made() -> None:
    class Half(nn.Module, LinearInParameters):
        def features(self, x: Tensor) -> Tensor:
            return x

    with pytest.raises(TypeError, match="outputs"):
        Half()
    assert torch.equal(LinearModel(3, 2).outputs(torch.ones(1, 2)), torch.ones(1, 2))
