"""Laws that every net in the catalogue obeys; a new entry is covered by being entered."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.catalogue import NETS
from neurarium.nets.feedforward.features_spec import FeaturesSpec
from neurarium.nets.feedforward.specs import MLPSpec

SHAPE, OUTPUTS = (1, 28, 28), 10
STEPS = 200

pytestmark = pytest.mark.parametrize("name", NETS)


def make(name: str, shape: tuple[int, ...], outputs: int) -> nn.Module:
    spec = NETS[name]()
    if isinstance(spec, FeaturesSpec):  # it stands on another net
        return spec.build(shape, outputs, MLPSpec().build(shape, outputs))
    return spec.build(shape, outputs)


def build(name: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return make(name, SHAPE, OUTPUTS)


def images(count: int, seed: int = 1) -> Tensor:
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def labels(count: int) -> Tensor:
    return torch.randint(OUTPUTS, (count,), generator=torch.Generator().manual_seed(2))


def test_output_shape(name: str) -> None:
    net = build(name)
    for count in (1, 5):
        logits = net(images(count))
        assert logits.shape == (count, OUTPUTS)
        assert logits.isfinite().all()


def test_outputs_follow_the_classes(name: str) -> None:
    assert make(name, SHAPE, 3)(images(2)).shape == (2, 3)


def test_every_parameter_gets_a_gradient(name: str) -> None:
    net = build(name)
    F.cross_entropy(net(images(64)), labels(64)).backward()
    without = [
        key for key, p in net.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any().item())
    ]
    assert without == []
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_seed_decides_the_weights(name: str) -> None:
    first, again, other = (build(name, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    learned = dict(build(name).named_parameters())
    assert any(not torch.equal(first[key], other[key]) for key in learned)


def test_state_dict_round_trip(name: str) -> None:
    net, other = build(name).eval(), build(name, seed=1).eval()
    x = images(4)
    assert not torch.equal(net(x), other(x))
    other.load_state_dict(net.state_dict())
    assert torch.equal(net(x), other(x))


def test_examples_do_not_see_each_other(name: str) -> None:
    net = build(name).double().eval()
    x = images(6).double()
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(net(x[order]), net(x)[order], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(net(x[2:3]), net(x)[2:3], rtol=1e-10, atol=1e-10)


def test_evaluation_is_deterministic(name: str) -> None:
    net = build(name).eval()
    x = images(3)
    assert torch.equal(net(x), net(x))


def test_overfits_one_batch(name: str) -> None:
    net, x, y = build(name), images(32), labels(32)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    errors = [(net.eval()(x).argmax(1) != y).sum().item()]
    while errors[-1] and len(errors) <= STEPS:
        loss = F.cross_entropy(net.train()(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append((net.eval()(x).argmax(1) != y).sum().item())
    assert errors[0] > 16
    assert errors[-1] == 0


@pytest.mark.parametrize("shape", [(4, 2, 28, 28), (28, 28), (4, 1, 5, 5)], ids=["channels", "rank", "small"])
def test_bad_input_names_the_layer_and_what_fits(name: str, shape: tuple[int, ...]) -> None:
    net = build(name)
    with pytest.raises(ShapeError) as caught:
        net(torch.zeros(shape))
    layers = {path.rpartition(".")[2] for path, _ in net.named_modules()} - {""}
    assert layers & set(caught.value.subject.split())
    assert "28" in caught.value.expected or "784" in caught.value.expected
    assert str(shape) in caught.value.got


def test_float64(name: str) -> None:
    net = build(name).eval()
    x = images(3)
    single = net(x)
    double = net.double()(x.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=1e-4, atol=1e-4)


def test_exports_with_a_free_batch_size(name: str) -> None:
    net = build(name).eval()
    batch = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(net, (images(4),), dynamic_shapes=batch).module()
    torch.testing.assert_close(program(images(7)), net(images(7)))


def test_builds_for_colour_images(name: str) -> None:
    assert make(name, (3, 32, 32), OUTPUTS)(torch.zeros(2, 3, 32, 32)).shape == (2, OUTPUTS)
