import dataclasses

import numpy as np
import pytest
import torch
from scipy import special

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.decoding.ctc import prefix_beam
from neurarium.tasks.interval import ratio_interval, wilson_interval
from neurarium.tasks.table import task_name
from neurarium.tasks.transcription import Transcription

from .small import CLASSES, PAIRS, SAID, Case, cases

WORDS = SAID.target.categories


def case_of() -> Case:
    return cases()["transcription"]


def rows(case: Case) -> list[tuple[np.ndarray, list[int]]]:
    """Log-probabilities and letters of each example alone, without any padding."""
    found = []
    for k in range(9):
        batch = case.batch(k)
        logits = case.net(*batch.inputs)[0].detach().numpy()
        found.append((special.log_softmax(logits, axis=1), batch.labels[0].tolist()))
    return found


def forward(log_p: np.ndarray, letters: list[int]) -> float:
    """p(y | x) by the recursion over probabilities, state by state."""
    z = [0]
    for letter in letters:
        z += [letter, 0]
    p = np.exp(log_p)
    a = np.zeros(len(z))
    a[:2] = p[0, z[:2]]
    for step in p[1:]:
        before = a.copy()
        for s, token in enumerate(z):
            ways = before[s] + (before[s - 1] if s else 0)
            if s > 1 and token not in (0, z[s - 2]):
                ways += before[s - 2]
            a[s] = step[token] * ways
    return float(a[-1] + a[-2])


def test_loss_by_numpy() -> None:
    case, batch = case_of(), case_of().batch()
    found = rows(case)
    letters = sum(len(row) for _, row in found)
    counts = case.task.counts(batch)
    assert counts.tolist() == [letters, letters]
    outputs = case.net(*batch.inputs)
    expected = -sum(np.log(forward(log_p, row)) for log_p, row in found) / letters
    assert case.task.loss(outputs, batch, counts).item() == pytest.approx(expected, rel=1e-6)


def _distance(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(_distance(a[1:], b) + 1, _distance(a, b[1:]) + 1, _distance(a[1:], b[1:]) + (a[0] != b[0]))


def test_scores_and_answers_by_counting() -> None:
    case = case_of()
    said, truth = [], []
    for log_p, row in rows(case):
        path = log_p.argmax(1)
        kept = [k for t, k in enumerate(path) if k and (t == 0 or path[t - 1] != k)]
        said.append("".join(WORDS[k] for k in kept))
        truth.append("".join(WORDS[k] for k in row))
    wrong = [_distance(a, b) for a, b in zip(said, truth, strict=True)]
    found = case.task.score(case.single, case.data, "test")
    assert found.value("letter error rate") == pytest.approx(sum(wrong) / sum(map(len, truth)))
    assert found.metrics[0].interval == ratio_interval(wrong, [len(word) for word in truth])
    assert found.value("exact answers") == wrong.count(0) / 9
    assert found.metrics[1].interval == wilson_interval(wrong.count(0), 9)
    assert found.details["answers"] == [{"said": a, "truth": b} for a, b in zip(said, truth, strict=True)]
    batch = case.batch()
    assert int(case.task.errors(case.net(*batch.inputs), batch)) == sum(wrong)
    assert list(case.task.predict(case.model, batch).labels) == said


def test_beams_write_the_likeliest_row() -> None:
    case, batch = case_of(), case_of().batch()
    expected = ["".join(WORDS[k] for k in prefix_beam(torch.tensor(p), 50)[0][0]) for p, _ in rows(case)]
    assert list(case.task.predict(case.model, batch, beams=50).labels) == expected
    with pytest.raises(ConfigError, match="expected no option but beams, got width"):
        case.task.predict(case.model, batch, width=2)


def test_more_letters_than_steps_are_refused() -> None:
    case, batch = case_of(), case_of().batch(4)
    steps = int(batch.inputs[1][0])
    task, outputs = case.task, case.net(*batch.inputs)
    assert isinstance(task, Transcription)
    alternating = torch.tensor([[1, 2] * 9])[:, :steps]
    fits = dataclasses.replace(batch, targets=(alternating,))
    assert torch.isfinite(task.loss(outputs, fits, task.counts(fits)))
    for labels in (torch.ones_like(alternating), torch.tensor([[1, 2] * 9])[:, : steps + 1]):
        wrong = dataclasses.replace(batch, targets=(labels,))
        with pytest.raises(DataError, match=rf"series 4: expected \d+ steps or more, for \d+ tokens, got {steps}"):
            task.loss(outputs, wrong, task.counts(wrong))


def test_what_it_is_made_for() -> None:
    assert task_name("auto", NetSpec(), Loss(), SAID) == "transcription"
    for schema in (CLASSES, PAIRS, Schema(PAIRS.inputs | SAID.inputs, SAID.targets)):
        with pytest.raises(DataError, match="target: expected a series, and rows of tokens"):
            Transcription.build(NetSpec(), Loss(), schema, {})
    with pytest.raises(ConfigError, match=r"loss\.smoothing"):
        Transcription.build(NetSpec(), Loss(smoothing=0.1), SAID, {})
    with pytest.raises(ShapeError, match="logits of <blank> and tokens at each step"):
        case_of().task.check(torch.zeros(9, 3, 4), case_of().batch())


def test_words_are_joined_and_called_tokens() -> None:
    target = Field((None,), categories=("<blank>", "yes", "no"), axis="words", constants={"joiner": " "})
    task = Transcription.build(NetSpec(), Loss(), Schema(SAID.inputs, {"text": target}), {})
    assert task.text([1, 2, 1]) == "yes no yes"
