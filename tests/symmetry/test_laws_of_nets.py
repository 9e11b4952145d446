import pytest
import torch
from torch import nn

from neurarium.data.drawn import drawn
from neurarium.nets.catalog import NETS
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.perceptron import Perceptron
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import image_schema
from neurarium.symmetry.catalog import LAWS

from ..contract import SPECS, build


def make(name: str, shape: tuple[int, ...]) -> nn.Module:
    spec = NETS[name]()
    schema = image_schema(shape, len(spec.example().classes))
    net = spec.build(schema, MLPSpec().build(schema) if spec.needs else None)
    if isinstance(net, AssociativeMemory):
        net.store(torch.randn(3, *shape))
    if isinstance(net, Perceptron):  # its weights are zero
        for parameter in net.parameters():
            nn.init.normal_(parameter)
    return net


def takes_images(name: str) -> bool:
    """Other nets' laws are held by the contract suite and by their own tests."""
    return NETS[name].example().input.is_image


def test_laws_go_by_their_names() -> None:
    assert {name: law.name for name, law in LAWS.items()} == {name: name for name in LAWS}
    assert LAWS.keys() == {"batch", "hidden units", "shift of the features", "causality", "streaming"}


def test_every_net_declares_laws_that_there_are() -> None:
    for spec in NETS.values():
        assert len(set(spec.laws)) == len(spec.laws) > 0
        assert set(spec.laws) <= LAWS.keys()
    others = {name: spec.laws for name, spec in NETS.items() if spec.laws != ("batch",)}
    declared = {name: laws for name, laws in others.items() if "causality" not in laws}
    assert declared == {
        "mlp": ("batch", "hidden units"),
        "autoencoder": ("batch", "hidden units"),
        "lenet5": ("batch", "hidden units", "shift of the features"),
        "lenet5-1998": ("batch", "hidden units", "shift of the features"),
        "alexnet-small": ("batch", "hidden units"),
        "vgg-small": ("batch", "hidden units"),
    }


LAWS_OF_NETS = [(name, law) for name, spec in SPECS.items() if takes_images(name) for law in spec.laws]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize(("name", "law"), LAWS_OF_NETS)
def test_net_keeps_law(name: str, law: str, shape: tuple[int, ...], dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    net = make(name, shape).to(dtype)
    assert LAWS[law].deviation(net, torch.rand(4, *shape, dtype=dtype)) < tolerance


LAWS_OF_STEPS = [(name, law) for name, spec in SPECS.items() for law in spec.laws if law in ("causality", "streaming")]


@pytest.mark.parametrize(("name", "law"), LAWS_OF_STEPS)
def test_net_of_sequences_keeps_law(name: str, law: str) -> None:
    examples = drawn(SPECS[name].example(), 4, 0)
    x = examples.gather(torch.arange(4)).x
    x = torch.cat([x, x.flip(0)], 1)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
        torch.manual_seed(0)
        net = build(SPECS[name]).to(dtype)
        assert LAWS[law].deviation(net, x.to(dtype) if x.is_floating_point() else x) < tolerance
