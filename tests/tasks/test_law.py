"""The law of every task: a batch is the sum of its parts, on one device or on several, however ragged they are."""

import copy
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.data.batch import Batch
from neurarium.data.packed import Packed
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema, image_schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.energy_forces import EnergyForces
from neurarium.tasks.table import TASKS, task_class
from neurarium.tasks.task import Context, Trainable
from neurarium.training.device import DeviceConfig
from neurarium.training.rules.gradient import TaskStep

from .small import MOLECULES, Case, PairEnergy, cases, cut

CASES = cases()
CPU = DeviceConfig(torch.device("cpu"))
every = pytest.mark.parametrize("name", CASES)


def learned(case: Case, ranks: Sequence[Sequence[Batch]]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Loss, errors and gradients of a batch whose parts lie on several ranks, each with a net of its own.

    The counts of all parts are added up first, as an all-reduce does; losses, errors and gradients of the ranks after.
    """
    context = Context(seed=1, epoch=2, step=3, training=True)
    ranks = [[case.task.drawn(part, context) for part in rank] for rank in ranks]
    parts = [part for rank in ranks for part in rank]
    counts = torch.stack([case.task.counts(part) for part in parts]).sum(0)
    size = sum(part.size for part in parts)
    loss, errors, sums = torch.zeros(()), torch.zeros(()), dict[str, Tensor]()
    for rank in ranks:
        net = copy.deepcopy(case.net).train()
        step = TaskStep(net, case.task, CPU)
        for part in rank:
            own, wrong = step(part, counts, size, context)
            own.backward()
            loss, errors = loss + own.detach(), errors + wrong
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None
            sums[name] = sums.get(name, 0) + parameter.grad
    return loss, errors, sums


def test_every_trainable_task_has_a_case() -> None:
    trainable = {name for name in TASKS if issubclass(task_class(name), Trainable)}
    assert trainable <= {name.partition(",")[0] for name in CASES}


@every
@settings(max_examples=4, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=9, max_size=9),
    ranks=st.lists(st.integers(0, 1), min_size=9, max_size=9),
)
@example(sizes=[5, 3, 1, *[1] * 6], ranks=[0] * 9)
@example(sizes=[2, 3, 4, *[1] * 6], ranks=[0, 1, 0] * 3)
@example(sizes=[1] * 9, ranks=[1] * 9)
def test_one_part_is_several_and_two_ranks(name: str, sizes: list[int], ranks: list[int]) -> None:
    case = CASES[name]
    # sizes drawn one after the other as far as the nine examples reach
    ends = [min(end, 9) for end in np.cumsum(sizes)]
    kept = [b - a for a, b in zip([0, *ends], ends, strict=False) if b > a]
    parts = list(cut(case, kept))
    assert sum(part.size for part in parts) == 9
    on = [[part for part, rank in zip(parts, ranks, strict=False) if rank == k] for k in (0, 1)]
    loss, errors, gradients = learned(case, [[case.batch()]])
    for split in ([parts], [rank for rank in on if rank]):
        of_parts, wrong, found = learned(case, split)
        torch.testing.assert_close(of_parts, loss, rtol=1e-6, atol=1e-12)
        torch.testing.assert_close(wrong, errors, rtol=1e-6, atol=1e-12)
        for key, gradient in gradients.items():
            assert gradient.any(), key
            torch.testing.assert_close(found[key], gradient, rtol=1e-6, atol=1e-9 * float(gradient.abs().max()))


@every
def test_the_order_of_the_examples_does_not_matter(name: str) -> None:
    case = CASES[name]
    for one, other in zip(
        learned(case, [[case.batch()]])[:2], learned(case, [[case.batch(4, 0, 8, 1, 3, 7, 2, 6, 5)]])[:2], strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-12)


@every
def test_counts_come_from_the_batch_alone_and_add_up(name: str) -> None:
    case = CASES[name]
    whole = case.task.counts(case.batch())
    assert len(whole) == 1 + len(terms_of(case, case.batch()))
    assert not whole.requires_grad
    for sizes in ([9], [4, 4, 1], [1] * 9):
        counts = torch.stack([case.task.counts(part) for part in cut(case, sizes)]).sum(0)
        torch.testing.assert_close(counts, whole)
    other = copy.deepcopy(case.net)
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    assert torch.equal(case.task.counts(case.batch()), whole)


def terms_of(case: Case, batch: Batch) -> tuple[Tensor, ...]:
    outputs = case.task.forward(case.net.eval(), batch, Context())
    return case.task.terms(outputs, batch, case.task.counts(batch))


@every
def test_the_loss_is_the_sum_of_its_terms_and_the_error_a_mean(name: str) -> None:
    case, batch = CASES[name], CASES[name].batch()
    counts, outputs = case.task.counts(batch), case.task.forward(case.net.eval(), batch, Context())
    loss = case.task.loss(outputs, batch, counts)
    assert loss.ndim == 0
    torch.testing.assert_close(loss, sum(terms_of(case, batch)), rtol=1e-12, atol=0)
    torch.testing.assert_close(case.task.error(outputs, batch, counts), case.task.errors(outputs, batch) / counts[-1])


def naive(case: Case, parts: list[Batch]) -> float:
    """What parts would give whose losses are means over themselves, averaged by their examples."""
    size = sum(part.size for part in parts)
    return sum(float(learned(case, [[part]])[0]) * part.size for part in parts) / size


def molecules(sizes: list[int], forces: list[float]) -> Packed:
    """Molecules without energies, on whose atoms act forces of so much along each axis."""
    atoms = torch.tensor(sizes)
    positions = torch.randn(sum(sizes), 3, generator=torch.Generator().manual_seed(0))
    columns = {
        "species": torch.zeros(sum(sizes), dtype=torch.int64),
        "positions": positions,
        "pairs": torch.zeros(len(sizes), 2, dtype=torch.int64),
        "energy": torch.zeros(len(sizes)),
        "forces": torch.tensor(forces).repeat_interleave(atoms)[:, None].expand(-1, 3).contiguous(),
    }
    return Packed(columns, {"atoms": atoms, "pairs": torch.ones_like(atoms)}, MOLECULES)


def test_two_terms_over_molecules_and_atoms_by_hand() -> None:
    """Three molecules of 2 atoms under forces of 0.1, one of 9 atoms under forces of 3; a net that says 0 to all.

    Energies: 0. Forces: (6 0.1^2 + 9 3^2) / 15 = 5.404, as 3 atoms' numbers count alike in an atom. Halves that are
    averaged by their molecules give (3 0.1^2 + 1 3^2) / 4 = 2.2575, 58 % less.
    """
    case = Case(
        EnergyForces(MOLECULES.targets["energy"], MOLECULES.targets["forces"], 1),
        silent(PairEnergy().double()),
        molecules([2, 2, 2, 9], [0.1, 0.1, 0.1, 3.0]),
    )
    whole = (6 * 0.1**2 + 9 * 3.0**2) / 15
    parts = list(cut(case, [3, 1]))
    assert float(learned(case, [[case.batch()]])[0]) == pytest.approx(whole, rel=1e-6)
    assert float(learned(case, [parts])[0]) == pytest.approx(whole, rel=1e-6)
    assert naive(case, parts) == pytest.approx((3 * 0.1**2 + 3.0**2) / 4, rel=1e-6)
    assert abs(naive(case, parts) / whole - 1) > 0.1


def silent(net: torch.nn.Module) -> torch.nn.Module:
    for parameter in net.parameters():
        torch.nn.init.zeros_(parameter)
    return net


def test_weighted_classes_by_hand() -> None:
    """Two examples of class 0 of weight 1 with loss log 2 each, one of class 1 of weight 10 with loss log(1 + e^2)."""
    asked = Classification.build(NetSpec(), Loss(class_weights=(1.0, 10.0)), image_schema((2,), 2), {})
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    batch = Batch((logits,), (torch.tensor([0, 0, 1]),), 3)
    counts = asked.counts(batch)
    assert counts.tolist() == [12.0, 3.0]
    high, low = np.log1p(np.exp(2.0)), np.log(2.0)
    assert float(asked.loss(logits, batch, counts)) == pytest.approx((2 * low + 10 * high) / 12, rel=1e-12)
    halves = [Batch((logits[part],), (batch.labels[part],), len(logits[part])) for part in (slice(0, 2), slice(2, 3))]
    assert sum(float(asked.loss(half.x, half, counts)) for half in halves) == pytest.approx((2 * low + 10 * high) / 12)
    alone = sum(float(asked.loss(half.x, half, asked.counts(half))) * half.size for half in halves) / 3
    assert alone == pytest.approx((2 * low + high) / 3)
    assert abs(alone / ((2 * low + 10 * high) / 12) - 1) > 0.1


def test_missing_labels_by_hand() -> None:
    """A cloud of nine labeled points with loss log 2 each, and one with a single label and loss log(1 + e^2)."""
    target = Field((None,), categories=("in", "out"), axis="points")
    schema = Schema({"points": Field((None, 2), axis="points")}, {"label": target})
    asked = Classification.build(NetSpec(), Loss(), schema, {})
    logits = torch.zeros(2, 9, 2, dtype=torch.float64)
    logits[1] = torch.tensor([2.0, 0.0])
    labels = torch.ones(2, 9, dtype=torch.int64)
    labels[1, 1:] = -1
    batch = Batch((logits,), (labels,), 2)
    counts = asked.counts(batch)
    assert counts.tolist() == [10.0, 10.0]
    high, low = np.log1p(np.exp(2.0)), np.log(2.0)
    assert float(asked.loss(logits, batch, counts)) == pytest.approx((9 * low + high) / 10, rel=1e-12)
    halves = [Batch((logits[k : k + 1],), (labels[k : k + 1],), 1) for k in (0, 1)]
    assert sum(float(asked.loss(half.x, half, counts)) for half in halves) == pytest.approx((9 * low + high) / 10)
    alone = sum(float(asked.loss(half.x, half, asked.counts(half))) for half in halves) / 2
    assert abs(alone / ((9 * low + high) / 10) - 1) > 0.1


@pytest.mark.parametrize("name", [name for name in CASES if "elements" in name or name.startswith("translation")])
def test_what_stands_where_no_label_is_does_not_matter(name: str) -> None:
    """Outputs at padded and unlabeled places: any numbers, no gradient."""
    case, batch = CASES[name], CASES[name].batch()
    outputs = case.task.forward(case.net.eval(), batch, Context())
    assert isinstance(outputs, Tensor)
    wanted = batch.labels[:, 1:] if name.startswith("translation") else batch.labels
    hidden = wanted < 0
    assert hidden.any()
    garbage = torch.where(hidden[..., None], torch.tensor(1e6, dtype=torch.float64), outputs).detach().requires_grad_()
    counts = case.task.counts(batch)
    loss = case.task.loss(garbage, batch, counts)
    torch.testing.assert_close(loss, case.task.loss(outputs, batch, counts), rtol=1e-12, atol=0)
    assert torch.equal(case.task.errors(garbage, batch), case.task.errors(outputs, batch))
    loss.backward()
    assert garbage.grad is not None
    assert not garbage.grad[hidden].any()
    assert garbage.grad[~hidden].any(-1).all()


@pytest.mark.parametrize("name", [name for name in CASES if "elements" in name])
def test_a_part_without_any_label_adds_nothing(name: str) -> None:
    case, batch = CASES[name], CASES[name].batch(0, 1)
    empty = Batch(batch.inputs, (torch.full_like(batch.labels, -1),), 2, names=batch.names)
    counts = case.task.counts(case.batch())
    outputs = case.task.forward(case.net, empty, Context())
    for total in (counts, case.task.counts(empty)):
        loss = case.task.loss(outputs, empty, total)
        assert loss.item() == 0
        gradients = torch.autograd.grad(loss, list(case.net.parameters()), retain_graph=True, allow_unused=True)
        assert not any(g is not None and g.any() for g in gradients)
        assert float(case.task.errors(outputs, empty)) == 0
    assert not case.task.counts(empty).any()


@every
def test_outputs_of_another_shape_are_refused(name: str) -> None:
    case, batch = CASES[name], CASES[name].batch()
    outputs = case.task.forward(case.net.eval(), batch, Context())
    case.task.check(outputs, batch)
    first = outputs if isinstance(outputs, Tensor) else outputs[0]
    wrong = [first[:-1], first[..., None], torch.cat([first, first[..., :1]], -1)]
    for answer in wrong:
        given = answer if isinstance(outputs, Tensor) else (answer, *outputs[1:])
        with pytest.raises(ShapeError, match="outputs of the net: expected") as caught:
            case.task.check(given, batch)
        assert str(tuple(answer.shape)) in caught.value.got
        assert str(tuple(first.shape)) in caught.value.expected
    if isinstance(outputs, Tensor):
        with pytest.raises(ShapeError, match="outputs of the net: expected one tensor"):
            case.task.check((outputs, outputs), batch)
