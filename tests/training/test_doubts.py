"""What is doubted, and what is not."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scipy import stats

from neurarium import api
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import Field
from neurarium.tasks.scores import Metric
from neurarium.training.doubts import learned_by_heart, loss_never_fell, no_better_than_guessing
from neurarium.training.recipe import Recipe

pytestmark = pytest.mark.usefixtures("undrawn")

RECIPE = Recipe(net=MLPSpec(hidden=(16,)), optimizer=Optimizer("adam", lr=1e-2), epochs=20, batch_size=30, threads=1)


def record(steps: list[float], epochs: list[tuple[float, float, float]]) -> list[dict]:
    """Losses of updates; training loss, training and validation error of epochs, of which the last is the best."""
    entries = [{"event": "step", "loss": loss} for loss in steps]
    for k, (loss, error, validation) in enumerate(epochs, 1):
        train, held_out = {"loss": loss, "error": error}, {"loss": 1.0, "error": validation}
        entries.append({"event": "epoch", "train": train, "validation": held_out, "best": k == len(epochs)})
    return entries


@pytest.mark.parametrize(
    ("steps", "losses", "said"),
    [
        ([2.3, 2.2, 2.4, 0.1], [2.31, 2.29], True),  # 2.29 is less than 2 % below 2.3
        ([2.3, 2.2, 2.4], [2.31, 2.2], False),
        ([2.3], [9.0, 30.0], True),
        ([0.0, 0.0], [0.0], False),  # nothing to learn
        ([-1.0], [-1.0], False),  # a loss that may be negative has no fractions
        ([], [1.0], False),
        ([1.0], [], False),
    ],
)
def test_a_loss_that_never_fell(steps: list[float], losses: list[float], said: bool) -> None:
    found = loss_never_fell(record(steps, [(loss, 0.5, 0.5) for loss in losses]), "mlp")
    assert len(found) == said
    assert all("neurarium find-rate mlp" in words for words in found)


@pytest.mark.parametrize(
    ("train", "validation", "examples", "said"),
    [
        (0.02, 0.12, 500, True),
        (0.02, 0.12, 30, False),  # 1.96 sqrt(.12 * .88 / 30) = .116
        (0.02, 0.06, 5000, False),  # no more than five points
        (0.30, 0.45, 5000, False),  # less than twice
        (0.02, 0.12, 0, False),
    ],
)
def test_what_was_learned_by_heart(train: float, validation: float, examples: int, said: bool) -> None:
    found = learned_by_heart(record([], [(1.0, train, validation)]), examples)
    assert len(found) == said
    assert all("12.0 %" in words and "2.0 %" in words for words in found)


def test_no_better_than_guessing_is_said_of_the_first_metric() -> None:
    accuracy = Metric(
        "accuracy", 0.1, "", "%", baseline=0.114, against="always the most frequent class", remedy="do x."
    )
    assert no_better_than_guessing([accuracy, accuracy]) == [
        "No better than guessing: its accuracy, 10.0 %, does not stand out from always the most frequent class, "
        "11.4 %; do x."
    ]
    assert no_better_than_guessing([replace(accuracy, remedy=""), accuracy]) == []
    assert no_better_than_guessing([]) == []


def shuffled(data: Dataset, seed: int = 0) -> Dataset:
    """The same examples with the labels of others."""
    parts = {}
    for name, part in data.parts().items():
        assert isinstance(part, Table)
        order = torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))
        parts[name] = replace(part, targets=(part.targets[0][order],))
    return replace(data, **parts)


def test_good_runs_raise_no_doubt_and_bad_ones_do(vectors: Dataset, tmp_path: Path) -> None:
    good = api.train(RECIPE, data=vectors, out=tmp_path / "good", progress=False)
    assert good.evaluate(vectors).warnings == ()
    still = replace(RECIPE, optimizer=Optimizer("sgd", lr=1e-9))
    unmoved = api.train(still, data=shuffled(vectors), out=tmp_path / "still", progress=False)
    assert [words.split(":")[0] for words in unmoved.evaluate(shuffled(vectors)).warnings] == [
        "No better than guessing",
        "The training loss never fell",
    ]
    by_heart = replace(RECIPE, net=MLPSpec(hidden=(256,)), epochs=60, early_stopping=EarlyStopping(restore_best=False))
    crammed = api.train(by_heart, data=shuffled(vectors), out=tmp_path / "heart", progress=False)
    said = crammed.evaluate(shuffled(vectors)).warnings
    assert said[0].startswith("No better than guessing")
    assert said[1].startswith("The training error")
    page = (tmp_path / "heart" / "report.html").read_text()
    assert "No better than guessing" in page
    assert "was learned by heart" in page
    assert 'class="doubt"' not in (tmp_path / "good" / "report.html").read_text()


def test_numbers_no_better_than_their_mean(vectors: Dataset, tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(0)
    field = Field((1,), names=("y",), mean=(0.0,), std=(1.0,))
    for told in (False, True):
        parts = {}
        for name, part in vectors.parts().items():
            assert isinstance(part, Table)
            noise = torch.randn(len(part), 1, generator=draw)
            targets = noise if not told else (part.inputs[0][:, :1].float() - 127) / 100 + 0.1 * noise
            parts[name] = replace(part, targets=(targets,), schema=replace(part.schema, targets={"y": field}))
        data = replace(vectors, **parts, schema=parts["train"].schema)
        run = api.train(replace(RECIPE, epochs=40), data=data, out=tmp_path / str(told), progress=False)
        scores = run.evaluate(data)
        rows = (scores.arrays["targets"] - 0.0) ** 2 - (scores.arrays["targets"] - scores.arrays["answers"]) ** 2
        # the same question, asked of SciPy: does the gain of the examples stand out from 0?
        z = stats.zmap([0.0], rows[:, 0], ddof=1)[0] * -(len(rows) ** 0.5)
        assert (z > 1.96) == told
        assert any("No better than guessing" in words for words in scores.warnings) == (not told)
