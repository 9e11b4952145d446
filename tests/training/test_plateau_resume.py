"""A run whose rate falls on a plateau, interrupted and resumed: the same weights and the same record."""

from pathlib import Path

import torch

from neurarium.data.dataset import Dataset
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.events import EpochEnded, Stepped
from neurarium.record.run_record import read_record
from neurarium.training.interrupt import StopRequest
from neurarium.training.recipe import Recipe
from neurarium.training.session import resume, start

RECIPE = Recipe(
    name="plateau",
    net=MLPSpec(hidden=(8,), dropout=0.3),
    optimizer=Optimizer("momentum", lr=0.05),
    schedule=Schedule("plateau", gamma=0.5, patience=2, threshold=0.2, min_factor=0.01),
    early_stopping=EarlyStopping(monitor="loss", restore_best=False),
    epochs=20,
    batch_size=30,
    threads=1,
)


def rates(folder: Path) -> list[tuple[int, float]]:
    return [(e["step"], e["learning_rate"]) for e in read_record(folder / "record.jsonl") if e["event"] == "step"]


def test_resume_is_bit_exact(vectors: Dataset, tmp_path: Path) -> None:
    whole = start(RECIPE, tmp_path / "whole", vectors)
    ended = [event for event in whole.events() if isinstance(event, EpochEnded)]
    steps = 3 * RECIPE.epochs
    seen = rates(tmp_path / "whole")
    assert [step for step, _ in seen] == list(range(1, steps + 1))
    assert len({rate for _, rate in seen}) >= 3, "the test needs a run that meets plateaus"

    # by hand, from the scores of the record: an epoch's rate follows from the epochs before it
    factor, best, waited, expected = 1.0, float("inf"), 0, []
    for event in ended:
        expected += [0.05 * factor] * 3
        score = event.validation["loss"]
        if score < best - 0.2:
            best, waited = score, 0
        else:
            waited += 1
        if waited == 2:
            factor, waited = max(0.5 * factor, 0.01), 0
    assert [rate for _, rate in seen] == expected
    assert [event.learning_rate for event in ended] == expected[2::3]

    # stopped twice: within an epoch before the first drop, and at the start of one after it
    first = next(i for i, rate in enumerate(expected) if rate < 0.05)
    session = start(RECIPE, tmp_path / "parts", vectors)
    for halt in (first - 2, first + 3):
        stop = StopRequest()
        for event in session.events(stop):
            if isinstance(event, Stepped) and event.step == halt:
                stop.requested = True
        session = resume(tmp_path / "parts", RECIPE, vectors)
    list(session.events())
    assert rates(tmp_path / "parts") == seen
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, session.net.state_dict()[name])
