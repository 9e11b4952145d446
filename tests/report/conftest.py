"""A run folder such as training leaves, made up from smooth curves and a seed."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.record.events import CheckpointSaved, EpochEnded, Event, Notice, Started, Stepped, Stopped, StopReason
from neurarium.record.run_record import to_line
from neurarium.record.schema import Field, Schema
from neurarium.record.sealed import seal, unseal, write_json, write_settings
from neurarium.tasks.scores import Metric, Scores
from neurarium.training.data_info import DataInfo
from neurarium.training.recipe import Recipe, recipe_to_plain

ENVIRONMENT = {
    "device": "cpu", "precision": "float32", "threads": "2", "torch": "2.13.0", "python": "3.11.9",
    "machine": "Linux x86_64",
}  # fmt: skip
STEPS = 63
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082".replace(" ", "")
)


def _make_events(
    epochs: int = 20,
    name: str = "lenet5",
    seed: int = 0,
    best: int = 17,
    reason: StopReason = "finished",
    validation: bool = True,
    floor: float = 0.024,
    task: str = "classification",
) -> list[Event]:
    """A run whose error falls to `floor`; validation error is smallest after epoch `best`."""
    draw = np.random.default_rng(seed)
    events: list[Event] = [Started(name, 20, STEPS, 0, 61706, ENVIRONMENT, task), Notice("4 of 6 threads are busy")]
    step = 0
    for epoch in range(1, epochs + 1):
        for position in range(1, STEPS + 1):
            step += 1
            x = step / STEPS
            rate = 3e-3 * min(step / STEPS, 0.5 + 0.5 * math.cos(math.pi * x / 20))
            loss = float((2.3 * math.exp(-1.6 * x) + 0.3 * math.exp(-0.2 * x)) * draw.uniform(0.5, 1.6))
            norm = float(draw.gamma(6, 0.3) * (0.3 + math.exp(-0.1 * x)))
            events.append(Stepped(step, epoch, position, loss, norm, rate, 0.011 * step))
        smooth = 2.3 * math.exp(-1.6 * (epoch - 0.5)) + 0.3 * math.exp(-0.2 * epoch)
        train = {"loss": smooth, "error": 0.28 * smooth + 0.0005}
        drift = 0.0004 * (epoch - best) ** 2 if epoch > best else 0.12 * math.exp(-0.5 * epoch)
        dev = {"loss": smooth + 0.05 + 5 * drift, "error": floor + drift + 0.001 * (best - epoch) * (epoch < best)}
        events.append(
            EpochEnded(
                epoch, step, train, dev if validation else {}, 1.4 + 1 / epoch, rate, 0.011 * step, epoch <= best
            )
        )
    events.append(CheckpointSaved(step, "checkpoints/x.safetensors"))
    events.append(Stopped(reason, epochs + 1, step, 0.011 * step, min(best, epochs)))
    return events


def _entries_of(events: list[Event]) -> list[dict[str, Any]]:
    """What a record holds of these events, steps thinned as the recorder does."""
    kept = (e for e in events if not isinstance(e, Stepped) or e.position % 3 == 0)
    return [unseal(json.loads(to_line(event)), "", "") for event in kept]


def _make_scores(
    classes: tuple[str, ...], examples: int, accuracy: float, seed: int = 0, data: str = "mnist-5k"
) -> Scores:
    """Answers of which a given fraction is right, the wrong ones crowded on a few pairs of classes."""
    draw = np.random.default_rng(seed)
    count = len(classes)
    truth = np.arange(examples) % count
    wrong = draw.permutation(examples)[: round((1 - accuracy) * examples)]
    predicted = truth.copy()
    predicted[wrong] = (truth[wrong] + draw.choice([1, 3, 5], len(wrong), p=[0.7, 0.2, 0.1])) % count
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    confidence = draw.uniform(0.35, 1.0, examples)
    mistakes = np.flatnonzero(predicted != truth)
    order = mistakes[np.argsort(-confidence[mistakes])]
    return _scores_from(confusion, classes, data, predicted, confidence, truth, order)


def _scores_from(
    confusion: Any,
    classes: tuple[str, ...],
    data: str = "toy",
    predicted: Any = (),
    confidence: Any = (),
    truth: Any = (),
    order: Any = (),
) -> Scores:
    """What a classifier's scores hold, from its confusion matrix; the interval by the quadratic it solves."""
    confusion = np.array(confusion)
    total, fraction = int(confusion.sum()), float(confusion.trace() / confusion.sum())
    z2 = 1.959963984540054**2 / total
    ends = np.sort(np.roots([1 + z2, -(2 * fraction + z2), fraction**2]).real)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = (np.nan_to_num(confusion.diagonal() / confusion.sum(axis)) for axis in (0, 1))
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    details = {
        "accuracy": fraction,
        "classes": list(classes),
        "confusion": confusion.tolist(),
        "per_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "examples": int(n)}
            for name, p, r, f, n in zip(classes, precision, recall, f1, confusion.sum(1), strict=True)
        ],
        "mistakes": [
            {
                "index": int(i), "predicted": classes[predicted[i]], "truth": classes[truth[i]],
                "confidence": float(confidence[i]),
            }
            for i in order[:25]
        ],
    }  # fmt: skip
    arrays = {"predicted": predicted, "confidence": confidence, "targets": truth, "mistakes": order}
    baseline = float(confusion.sum(1).max() / total)
    metric = Metric(
        "accuracy", fraction, "fraction of right answers", "%", baseline=baseline,
        against="always the most frequent class", interval=(float(ends[0]), float(ends[1])),
    )  # fmt: skip
    arrays = {name: np.asarray(values) for name, values in arrays.items()}
    return Scores("classification", "test", data, total, 0.1234, (metric,), details, arrays)


def _make_info(classes: tuple[str, ...], shape: tuple[int, ...] = (1, 28, 28), **changes: Any) -> DataInfo:
    """What `data.json` holds."""
    name = "image" if len(shape) == 3 else "features"
    schema = Schema({name: Field(shape, mean=(33.3,) * shape[0], std=(78.6,) * shape[0])}, _labels(classes))
    values = {
        "name": "mnist-5k", "schema": schema, "counts": {"train": 4000, "validation": 500, "test": 500},
        "fingerprint": "7d2e" * 16, "provenance": "Y. LeCun, C. Cortes, C. Burges, The MNIST database; 5,000 digits",
        "license": "CC BY-SA 3.0",
    }  # fmt: skip
    return DataInfo(**(values | changes))


def _labels(classes: tuple[str, ...]) -> dict[str, Field]:
    return {"label": Field((), categories=classes)}


DIGITS = tuple("0123456789")


class Made:
    """Makers of what a run produces."""

    events = staticmethod(_make_events)
    entries = staticmethod(_entries_of)
    scores = staticmethod(_make_scores)
    scores_from = staticmethod(_scores_from)
    info = staticmethod(_make_info)
    digits = DIGITS
    steps = STEPS


@pytest.fixture(scope="session")
def made() -> type[Made]:
    """Makers of events, records, scores and descriptions of data."""
    return Made


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a run folder from events, classes, recipe, data and scores; `scored=False` leaves the scores out."""

    def make(
        events: list[Event] | None = None,
        classes: tuple[str, ...] = DIGITS,
        recipe: Recipe | None = None,
        info: DataInfo | None = None,
        scores: Scores | None = None,
        scored: bool = True,
    ) -> Path:
        folder = tmp_path_factory.mktemp("runs") / "lenet5-1"
        folder.mkdir()
        lines = [json.dumps(seal(entry)) + "\n" for entry in _entries_of(events or _make_events())]
        (folder / "record.jsonl").write_text("".join(lines))
        write_settings(folder / "config.toml", recipe_to_plain(recipe or Recipe(name="lenet5", net=LeNet5Spec())))
        write_json(folder / "data.json", (info or _make_info(classes)).to_plain())
        if scored:
            scores = scores or _make_scores(classes, 500, 0.968)
            write_json(folder / "scores.json", scores.to_plain())
        return folder

    return make


@pytest.fixture(scope="session")
def figures() -> Callable[..., None]:
    """Puts figures, a pixel each, into a run folder, and lists them there."""

    def put(folder: Path, *names: str, alone: bool = False) -> None:
        for name in names:
            (folder / f"{name}.png").write_bytes(PNG)
        listed = [{"name": name, "title": name, "words": "Seen.", "alone": alone} for name in names]
        (folder / "figures.json").write_text(json.dumps(listed))

    return put
