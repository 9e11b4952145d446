"""A run folder such as training leaves, made up from smooth curves and a seed."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.record.config import write_toml
from neurarium.record.events import CheckpointSaved, EpochEnded, Event, Notice, Started, Stepped, Stopped, StopReason
from neurarium.record.run_record import to_line
from neurarium.training.evaluation import Evaluation
from neurarium.training.recipe import Recipe, recipe_to_plain

ENVIRONMENT = {
    "device": "cpu", "precision": "float32", "threads": "2", "torch": "2.13.0", "python": "3.11.9",
    "machine": "Linux x86_64",
}  # fmt: skip
STEPS = 63


def _make_events(
    epochs: int = 20,
    name: str = "lenet5",
    seed: int = 0,
    best: int = 17,
    reason: StopReason = "finished",
    development: bool = True,
    floor: float = 0.024,
) -> list[Event]:
    """A run whose error falls to `floor`; development error is smallest after epoch `best`."""
    draw = np.random.default_rng(seed)
    events: list[Event] = [Started(name, 20, STEPS, 0, 61706, ENVIRONMENT), Notice("4 of 6 threads are busy")]
    step = 0
    for epoch in range(1, epochs + 1):
        for position in range(1, STEPS + 1):
            step += 1
            x = step / STEPS
            rate = 3e-3 * min(step / STEPS, 0.5 + 0.5 * math.cos(math.pi * x / 20))
            objective = float((2.3 * math.exp(-1.6 * x) + 0.3 * math.exp(-0.2 * x)) * draw.uniform(0.5, 1.6))
            norm = float(draw.gamma(6, 0.3) * (0.3 + math.exp(-0.1 * x)))
            events.append(Stepped(step, epoch, position, objective, norm, rate, 0.011 * step))
        smooth = 2.3 * math.exp(-1.6 * (epoch - 0.5)) + 0.3 * math.exp(-0.2 * epoch)
        train = {"objective": smooth, "error": 0.28 * smooth + 0.0005}
        drift = 0.0004 * (epoch - best) ** 2 if epoch > best else 0.12 * math.exp(-0.5 * epoch)
        dev = {"objective": smooth + 0.05 + 5 * drift, "error": floor + drift + 0.001 * (best - epoch) * (epoch < best)}
        events.append(
            EpochEnded(
                epoch, step, train, dev if development else {}, 1.4 + 1 / epoch, rate, 0.011 * step, epoch <= best
            )
        )
    events.append(CheckpointSaved(step, "checkpoints/x.safetensors"))
    events.append(Stopped(reason, epochs + 1, step, 0.011 * step, min(best, epochs)))
    return events


def _entries_of(events: list[Event]) -> list[dict[str, Any]]:
    """What a record holds of these events, steps thinned as the recorder does."""
    kept = (e for e in events if not isinstance(e, Stepped) or e.position % 3 == 0)
    return [json.loads(to_line(event)) for event in kept]


def _make_evaluation(classes: tuple[str, ...], examples: int, accuracy: float, seed: int = 0) -> Evaluation:
    """Answers of which a given share is right, the wrong ones crowded on a few pairs of classes."""
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
    share = float((predicted == truth).mean())
    return Evaluation(classes, 0.1234, share, confusion, order, predicted, confidence)


def _scores_of(evaluation: Evaluation, data: str) -> dict[str, Any]:
    """What `scores.json` holds."""
    truth = np.arange(len(evaluation.predicted)) % len(evaluation.classes)
    mistakes = [
        {
            "index": int(i), "predicted": evaluation.classes[evaluation.predicted[i]],
            "truth": evaluation.classes[truth[i]], "confidence": float(evaluation.confidence[i]),
        }
        for i in evaluation.mistakes[:25]
    ]  # fmt: skip
    return {"split": "test", "data": data, **evaluation.to_plain(), "mistakes": mistakes}


def _make_card(classes: tuple[str, ...], kind: str = "images", shape: tuple[int, ...] = (1, 28, 28)) -> dict[str, Any]:
    """What `data.json` holds."""
    return {
        "name": "mnist-5k", "kind": kind, "shape": list(shape), "classes": list(classes),
        "scaling": {"mean": [33.3], "std": [78.6]}, "counts": {"train": 4000, "development": 500, "test": 500},
        "fingerprint": "7d2e" * 16, "source": "Y. LeCun, C. Cortes, C. Burges, The MNIST database; first 5,000 digits",
        "licence": "CC BY-SA 3.0",
    }  # fmt: skip


DIGITS = tuple("0123456789")


class Made:
    """Makers of what a run produces."""

    events = staticmethod(_make_events)
    entries = staticmethod(_entries_of)
    evaluation = staticmethod(_make_evaluation)
    scores = staticmethod(_scores_of)
    card = staticmethod(_make_card)
    digits = DIGITS
    steps = STEPS


@pytest.fixture(scope="session")
def made() -> type[Made]:
    """Makers of events, records, evaluations, scores and data cards."""
    return Made


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a run folder from events, classes, recipe, card and scores; `scored=False` leaves the scores out."""

    def make(
        events: list[Event] | None = None,
        classes: tuple[str, ...] = DIGITS,
        recipe: Recipe | None = None,
        card: dict[str, Any] | None = None,
        scores: dict[str, Any] | None = None,
        scored: bool = True,
    ) -> Path:
        folder = tmp_path_factory.mktemp("runs") / "lenet5-1"
        folder.mkdir()
        lines = [json.dumps(entry) + "\n" for entry in _entries_of(events or _make_events())]
        (folder / "record.jsonl").write_text("".join(lines))
        (folder / "config.toml").write_text(
            write_toml(recipe_to_plain(recipe or Recipe(name="lenet5", net=LeNet5Spec())))
        )
        (folder / "data.json").write_text(json.dumps(card or _make_card(classes)))
        if scored:
            scores = scores or _scores_of(_make_evaluation(classes, 500, 0.968), "mnist-5k")
            (folder / "scores.json").write_text(json.dumps(scores))
        return folder

    return make
