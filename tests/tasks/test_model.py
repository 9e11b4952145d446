import pytest
import torch
from torch import Tensor, nn

from neurarium.data.batch import Batch
from neurarium.learning.loss import Loss
from neurarium.nets.penalty import WithPenalty
from neurarium.nets.spec import NetSpec
from neurarium.tasks.classification import Classification
from neurarium.tasks.model import Model
from neurarium.tasks.task import Context, detached, evaluating, in_floats
from neurarium.training.device import DeviceConfig
from neurarium.training.rules.gradient import TaskStep

from .small import CLASSES, Penalized, answered, cases, cut, seeded

CPU = torch.device("cpu")


def asked() -> Classification:
    return Classification.build(NetSpec(), Loss(), CLASSES, {})


def batch(x: Tensor) -> Batch:
    return Batch((x,), (torch.zeros(len(x), dtype=torch.int64),), len(x))


class Mixed(nn.Sequential):
    """Dropout, a batch normalization that its owner keeps in evaluation mode, and one that is not."""

    def __init__(self) -> None:
        super().__init__(nn.Dropout(0.9), nn.BatchNorm1d(3), nn.BatchNorm1d(3))


@pytest.mark.parametrize("training", [True, False])
def test_a_run_leaves_every_part_in_its_mode(training: bool) -> None:
    net = Mixed().train(training)
    net[1].train(not training)
    before = [module.training for module in net.modules()]
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    buffers = {name: tensor.clone() for name, tensor in net.named_buffers()}
    found = Model(net, CPU).run(asked(), batch(x))
    # fresh normalizations in evaluation mode divide by sqrt(1 + 1e-5)
    torch.testing.assert_close(found, x / (1 + 1e-5))
    assert [module.training for module in net.modules()] == before
    assert all(torch.equal(tensor, buffers[name]) for name, tensor in net.named_buffers())


@pytest.mark.parametrize("training", [True, False])
def test_even_an_error_leaves_it(training: bool) -> None:
    class Breaks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Dropout()

        def forward(self, x: Tensor) -> Tensor:
            assert not self.inner.training
            raise RuntimeError("broken")

    net = Breaks().train(training)
    net.inner.train(not training)
    with pytest.raises(RuntimeError, match="broken"):
        Model(net, CPU).run(asked(), batch(torch.zeros(2, 3)))
    assert (net.training, net.inner.training) == (training, not training)


def test_evaluating_is_undone_in_the_order_of_the_modules() -> None:
    net = Mixed()
    net[2].eval()
    with evaluating(net), evaluating(net):
        assert not any(module.training for module in net.modules())
    assert [module.training for module in net.modules()] == [True, True, True, False]


def test_outputs_of_all_examples_without_dropout_and_the_mean_of_the_loss() -> None:
    logits = torch.randn(2300, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(2300) % 3
    data = answered(logits, labels, CLASSES.targets["label"])
    net = nn.Dropout(0.9)
    outputs, loss = Model(net, CPU).outputs(asked(), data.test)
    torch.testing.assert_close(outputs, logits, rtol=0, atol=0)
    assert net.training
    assert loss == pytest.approx(nn.functional.cross_entropy(logits.double(), labels).item(), rel=1e-6)


def test_nothing_has_a_gradient() -> None:
    for name in ("classification", "energy-forces"):
        case = cases()[name]
        outputs = case.model.run(case.task, case.batch())
        for tensor in (outputs,) if isinstance(outputs, Tensor) else outputs:
            assert not tensor.requires_grad
        assert all(parameter.grad is None for parameter in case.net.parameters())


def test_number_formats() -> None:
    half, whole, double = (torch.ones(2, dtype=kind) for kind in (torch.bfloat16, torch.float32, torch.float64))
    assert [in_floats(t).dtype for t in (half, whole, double)] == [torch.float32, torch.float32, torch.float64]  # type: ignore[union-attr]
    assert [t.dtype for t in in_floats((half, double))] == [torch.float32, torch.float64]  # type: ignore[union-attr]
    kept = in_floats(WithPenalty(half, double))
    assert isinstance(kept, WithPenalty)
    assert kept.outputs.dtype == torch.float32
    needs = torch.ones(2, requires_grad=True)
    assert not any(t.requires_grad for t in detached((needs, needs * 2)))
    model = Model(nn.Linear(3, 3), CPU, DeviceConfig(CPU, "bfloat16").autocast)
    outputs = model.run(asked(), batch(torch.ones(2, 3)))
    assert isinstance(outputs, Tensor)
    assert outputs.dtype == torch.float32
    assert torch.equal(outputs, outputs.bfloat16().float())  # it was computed in 8 bits


# a net's own penalty


@pytest.mark.parametrize("sizes", [[9], [5, 3, 1], [1] * 9])
def test_a_step_adds_the_mean_of_the_penalty_over_the_examples(sizes: list[int]) -> None:
    case = cases()["classification, penalty"]
    net = seeded(Penalized().double(), 2).train()
    hidden = torch.tanh(net[0](case.batch().x))
    plain = case.task.loss(net[2](hidden), case.batch(), case.task.counts(case.batch()))
    expected = plain + hidden.square().sum(1).mean()
    theirs = torch.autograd.grad(expected, list(net.parameters()))
    step, parts = TaskStep(net, case.task, DeviceConfig(CPU)), list(cut(case, sizes))
    counts = sum((case.task.counts(part) for part in parts[1:]), case.task.counts(parts[0]))
    total, errors = 0.0, 0.0
    for part in parts:
        loss, wrong = step(part, counts, 9, Context(training=True))
        loss.backward()
        total, errors = total + loss.item(), errors + wrong.item()
    assert total == pytest.approx(expected.item(), rel=1e-6)
    assert errors == (net[2](hidden).argmax(1) != case.batch().labels).sum().item()
    for parameter, gradient in zip(net.parameters(), theirs, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-9)


def test_in_evaluation_mode_there_is_no_penalty() -> None:
    case = cases()["classification, penalty"]
    outputs = case.model.run(case.task, case.batch())
    assert isinstance(outputs, Tensor)
    step = TaskStep(case.net.eval(), case.task, DeviceConfig(CPU))
    counts = case.task.counts(case.batch())
    loss, _ = step(case.batch(), counts, 9, Context())
    assert loss.item() == pytest.approx(case.task.loss(outputs, case.batch(), counts).item(), rel=1e-12)
