"""A net, a source of data, a task with its report, a figure and a recipe of one's own: a new object and a line each.

Nothing of the library is changed: what stands in this file would stand in new files, and each `setitem` is a line.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

import neurarium
from neurarium.cli.main import main
from neurarium.data.assemble import assemble
from neurarium.data.batch import Batch
from neurarium.data.catalog import SOURCES
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.catalog import NETS
from neurarium.nets.spec import NetSpec
from neurarium.recipes.catalog import RECIPES
from neurarium.record.schema import Field, Schema
from neurarium.report.figures import table as figures
from neurarium.report.figures.run_figure import RunFigure
from neurarium.report.tasks.table import TASK_REPORTS
from neurarium.report.tasks.task_report import TaskReport
from neurarium.tasks.model import Model
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.table import TASKS
from neurarium.tasks.task import Outputs, Trainable, count_tensor, tensor_of
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run

pytestmark = pytest.mark.usefixtures("undrawn")

SCHEMA = Schema(
    {"heap": Field((None, 2), axis="stones", value_range=(-4.0, 4.0))}, {"weight": Field((None,), axis="stones")}
)


# --- data/heaps.py
def load_heaps(folder: str | None = None) -> Dataset:
    """Heaps of stones in the plane; the weight of a stone is the sum of its coordinates."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, 7, (60,), generator=generator)
    heap = torch.randn(int(lengths.sum()), 2, generator=generator)
    examples = Ragged({"heap": heap, "weight": heap.sum(1)}, {"stones": lengths}, SCHEMA)
    return assemble("heaps", {"train": examples}, provenance="drawn", standardize=False)


# --- nets/geometric/weigher.py
class Weigher(nn.Module):
    """A linear map of each stone."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, heap: Float[Tensor, "batch stones 2"], lengths: Tensor) -> Float[Tensor, "batch stones"]:
        """A weight a stone."""
        return self.layer(heap)[..., 0]


@dataclass(frozen=True)
class WeigherSpec(NetSpec):
    """A linear map of each stone."""

    summary: ClassVar[str] = "weighs stones"
    task: ClassVar[str] = "weighing"
    figures: ClassVar[tuple[str, ...]] = ("heaps",)

    @classmethod
    def example(cls) -> Schema:
        """Heaps of stones."""
        return SCHEMA

    def build(self, schema: Schema, backbone: nn.Module | None = None) -> nn.Module:
        """Make the net."""
        return Weigher()


# --- tasks/weighing.py
@dataclass(frozen=True, eq=False)
class Weighing(Trainable):
    """The weight of each stone, squared error over all stones."""

    name: ClassVar[str] = "weighing"

    @classmethod
    def build(
        cls,
        spec: NetSpec,
        loss: Loss,
        schema: Schema,
        helpers: Mapping[str, nn.Module],
        device: torch.device | str = "cpu",
    ) -> "Weighing":
        """Make the task."""
        return cls()

    def counts(self, batch: Batch) -> Tensor:
        """Stones, twice."""
        stones = float(batch.inputs[1].sum())
        return count_tensor(batch.x, stones, stones)

    def terms(self, outputs: Outputs, batch: Batch, counts: Tensor) -> tuple[Tensor, ...]:
        """The squared error of the stones that are there."""
        return (self._squares(outputs, batch).sum() / counts[0],)

    def errors(self, outputs: Outputs, batch: Batch) -> Tensor:
        """The same sum."""
        return self._squares(outputs, batch).sum()

    def predict(self, model: Model, batch: Batch, **options: Any) -> Prediction:
        """A row a stone."""
        weights = tensor_of(model.run(self, batch), self.name).cpu()
        counts = tuple(batch.inputs[1].tolist())
        rows = torch.cat([row[:count] for row, count in zip(weights, counts, strict=True)])
        return Prediction(("weight",), rows[:, None].numpy(), (), counts)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """The mean squared error."""
        examples = getattr(data, split)
        sums = [(self.errors(out, batch), self.counts(batch)[0]) for batch, out in model.answers(self, examples)]
        error = float(sum(s for s, _ in sums) / sum(c for _, c in sums))
        metric = Metric("squared error", error, "of a stone", higher_is_better=False)
        return Scores(self.name, split, data.name, len(examples), error, (metric,))

    def _squares(self, outputs: Outputs, batch: Batch) -> Tensor:
        there = torch.arange(batch.x.shape[1]) < batch.inputs[1][:, None]
        return ((tensor_of(outputs, self.name) - batch.labels) * there).square()


# --- report/tasks/weighing.py, report/figures/heaps.py, recipes/heaps.py
REPORT = TaskReport(
    "learned to weigh {inputs}", "squared error in %", "Mean squared error of a stone", "run.predict(x)"
)


def draw_heaps(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    figure = Figure(figsize=(2, 2))
    x = getattr(data, split).gather(torch.arange(3)).x.flatten(0, 1)
    figure.subplots().scatter(*x.T.numpy())
    return figure


HEAPS = RunFigure("heaps", "Heaps", "Some stones.", lambda run, *_: "heaps" in run.recipe.net.figures, draw_heaps)


def heaps_recipe() -> Recipe:
    """Stones are weighed."""
    return Recipe(
        name="weigher", net=WeigherSpec(), data="heaps", optimizer=Optimizer("adam", lr=0.1), epochs=30, batch_size=16
    )


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in each table."""
    monkeypatch.setitem(NETS, "weigher", WeigherSpec)
    monkeypatch.setitem(SOURCES, "heaps", (load_heaps, "heaps of stones"))
    monkeypatch.setitem(TASKS, "weighing", lambda: Weighing)
    monkeypatch.setitem(TASK_REPORTS, "weighing", REPORT)
    monkeypatch.setattr(figures, "FIGURES", (*figures.FIGURES, HEAPS))
    monkeypatch.setitem(RECIPES, "weigher", heaps_recipe)  # type: ignore[index]


def test_a_kind_of_ones_own_goes_all_the_way(opened: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    assert main(["train", "weigher", "--threads", "1", "--device", "cpu", "--out", str(folder), "--quiet"]) == 0
    assert "squared error" in capsys.readouterr().out
    run = neurarium.load(folder)
    assert run.evaluate(load_heaps()).value("squared error") < 0.01
    page = (folder / "report.html").read_text()
    assert "learned to weigh" in page
    assert "Some stones." in page
    assert (folder / "heaps.png").stat().st_size > 0
    heap = torch.tensor([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]])
    unlabeled = Ragged({"heap": heap}, {"stones": torch.tensor([2, 1])}, Schema(SCHEMA.inputs))
    prediction = run.predict(unlabeled)
    assert prediction.counts == (2, 1)
    np.testing.assert_allclose(prediction.values[:, 0], heap.sum(1), atol=0.2)
    for command in (
        ["list"],
        ["show", str(folder)],
        ["evaluate", str(folder)],
        ["find-rate", "weigher", "--steps", "5"],
    ):
        given = [*command, "--out", str(tmp_path / "rates.png")] if command[0] == "find-rate" else command
        assert main(given) == 0, capsys.readouterr().err


def test_its_ragged_parts_make_the_same_run(opened: None) -> None:
    """Micro-batches add up to the batch for a task that the library has never seen."""
    weights = []
    for parts in (1, 3):
        plan = dataclasses.replace(heaps_recipe(), epochs=3, micro_batches=parts, threads=1, device="cpu")
        session = neurarium.training.session.build_session(plan, load_heaps())
        list(session.events())
        weights.append(session.net.layer.weight.detach())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-5, atol=1e-5)
