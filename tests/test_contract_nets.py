"""Laws that every net in the catalogue obeys; a new entry is covered by being entered."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.catalogue import NETS
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.features_spec import FeaturesSpec
from neurarium.nets.feedforward.specs import MLPSpec

SHAPE, OUTPUTS = (1, 28, 28), 10
STEPS = 200

# of two classes, from weights that are zero
TWO = ("perceptron",)
FOR_TEN = [name for name, kind in NETS.items() if kind.purpose == "prediction" and name not in TWO]
# learn by the gradient of an objective
BY_GRADIENT = FOR_TEN + [name for name, kind in NETS.items() if kind.purpose == "reconstruction"]
# first weights are drawn
DRAWN = [name for name in NETS if name not in (*TWO, "hopfield")]
# how long a Hopfield net recalls depends on the data
EXPORTED = [name for name in NETS if name != "hopfield"]

every = pytest.mark.parametrize("name", NETS)


def make(name: str, shape: tuple[int, ...], outputs: int) -> nn.Module:
    spec = NETS[name]()
    if isinstance(spec, FeaturesSpec):  # it stands on another net
        return spec.build(shape, outputs, MLPSpec().build(shape, outputs))
    net = spec.build(shape, 2 if name in TWO else outputs)
    if isinstance(net, AssociativeMemory):
        net.store(torch.randn(3, *shape))
    if name in TWO:
        for parameter in net.parameters():
            nn.init.normal_(parameter)
    return net


def build(name: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return make(name, SHAPE, OUTPUTS)


def answer_shape(name: str, count: int, shape: tuple[int, ...], outputs: int) -> tuple[int, ...]:
    """What a net says of so many examples, by what it is for."""
    spec = NETS[name]()
    if isinstance(spec, RBMSpec):
        return (count, spec.hidden)
    if spec.purpose == "generation":
        return (count, 1)
    if spec.purpose in ("reconstruction", "recall"):
        return (count, *shape)
    return (count, 2 if name in TWO else outputs)


def loss(name: str, net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    outputs = net(x)
    return F.mse_loss(outputs, x) if NETS[name].purpose == "reconstruction" else F.cross_entropy(outputs, y)


def errors(name: str, net: nn.Module, x: Tensor, y: Tensor) -> float:
    """Wrong answers, or for a net that reconstructs the share of the variance that is lost."""
    with torch.no_grad():
        outputs = net.eval()(x)
    if NETS[name].purpose == "reconstruction":
        return F.mse_loss(outputs, x).item() / x.var().item()
    return (outputs.argmax(1) != y).sum().item()


def images(count: int, seed: int = 1) -> Tensor:
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def labels(count: int) -> Tensor:
    return torch.randint(OUTPUTS, (count,), generator=torch.Generator().manual_seed(2))


@every
def test_output_shape(name: str) -> None:
    net = build(name)
    for count in (1, 5):
        answer = net(images(count))
        assert answer.shape == answer_shape(name, count, SHAPE, OUTPUTS)
        assert answer.isfinite().all()


@every
def test_outputs_follow_the_classes(name: str) -> None:
    if name not in TWO:
        assert make(name, SHAPE, 3)(images(2)).shape == answer_shape(name, 2, SHAPE, 3)
        return
    with pytest.raises(ConfigError, match="two classes"):
        NETS[name]().build(SHAPE, 3)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    net = build(name)
    loss(name, net, images(64), labels(64)).backward()
    without = [
        key for key, p in net.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any().item())
    ]
    assert without == []
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("name", DRAWN)
def test_seed_decides_the_weights(name: str) -> None:
    first, again, other = (build(name, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    learned = dict(build(name).named_parameters())
    assert any(not torch.equal(first[key], other[key]) for key in learned)


@every
def test_state_dict_round_trip(name: str) -> None:
    net, other = build(name).eval(), build(name, seed=1).eval()
    x = images(4)
    assert not torch.equal(net(x), other(x))
    other.load_state_dict(net.state_dict())
    assert torch.equal(net(x), other(x))


@every
def test_examples_do_not_see_each_other(name: str) -> None:
    net = build(name).double().eval()
    x = images(6).double()
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(net(x[order]), net(x)[order], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(net(x[2:3]), net(x)[2:3], rtol=1e-10, atol=1e-10)


@every
def test_evaluation_is_deterministic(name: str) -> None:
    net = build(name).eval()
    x = images(3)
    assert torch.equal(net(x), net(x))


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_overfits_one_batch(name: str) -> None:
    net, x, y = build(name), images(32), labels(32)
    lossy = NETS[name].purpose == "reconstruction"
    enough = 0.5 if lossy else 0.0  # 32 pictures of noise through 32 numbers: most of them must come back
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    course = [errors(name, net, x, y)]
    while course[-1] > enough and len(course) <= STEPS:
        objective = loss(name, net.train(), x, y)
        optimiser.zero_grad()
        objective.backward()
        optimiser.step()
        course.append(errors(name, net, x, y))
    assert course[0] > (0.9 if lossy else 16)
    assert course[-1] <= enough


@pytest.mark.parametrize("shape", [(4, 2, 28, 28), (28, 28), (4, 1, 5, 5)], ids=["channels", "rank", "small"])
@every
def test_bad_input_names_the_layer_and_what_fits(name: str, shape: tuple[int, ...]) -> None:
    net = build(name)
    with pytest.raises(ShapeError) as caught:
        net(torch.zeros(shape))
    layers = {path.rpartition(".")[2] for path, _ in net.named_modules()} - {""}
    assert not layers or layers & set(caught.value.subject.split())
    assert "28" in caught.value.expected or "784" in caught.value.expected
    assert str(shape) in caught.value.got


@every
def test_float64(name: str) -> None:
    net = build(name).eval()
    x = images(3)
    single = net(x)
    double = net.double()(x.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", EXPORTED)
def test_exports_with_a_free_batch_size(name: str) -> None:
    net = build(name).eval()
    batch = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(net, (images(4),), dynamic_shapes=batch).module()
    torch.testing.assert_close(program(images(7)), net(images(7)))


@every
def test_builds_for_colour_images(name: str) -> None:
    shape = (3, 32, 32)
    assert make(name, shape, OUTPUTS)(torch.zeros(2, *shape)).shape == answer_shape(name, 2, shape, OUTPUTS)
