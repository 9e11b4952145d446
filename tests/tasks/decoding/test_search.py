import itertools
import math

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.tasks.decoding.search import beam, greedy, penalty, sample

START, END, V, LONGEST = 0, 1, 4, 4
CPU = torch.device("cpu")


def table(seed: int, rows: int = 3) -> torch.Tensor:
    """Logits of the next token from the row, how many were said, and the last two, drawn once."""
    scores = 2 * torch.randn(rows, LONGEST + 1, V + 1, V, V, generator=torch.Generator().manual_seed(seed)).double()
    scores[..., START] = -30.0
    return scores


def said_by(scores: torch.Tensor):
    def say(tokens, state):
        row, place, before, _ = state
        return scores[row, place, before, tokens], (row, place + 1, tokens, tokens)

    rows = len(scores)
    zeros = torch.zeros(rows, dtype=torch.long)
    return say, (torch.arange(rows), zeros, zeros + V, zeros)


def every_answer(scores: np.ndarray, alpha: float) -> list[tuple[float, tuple[int, ...], bool]]:
    """All answers of one row with their scores, ended ones first, by trying them all."""
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    found = []
    words = [k for k in range(V) if k != END]
    for length in range(LONGEST + 1):
        for answer in itertools.product(words, repeat=length):
            total, before, now = 0.0, V, START
            for place, token in enumerate(answer):
                total += log_p[place, before, now, token]
                before, now = now, token
            if length < LONGEST:
                ended = total + log_p[length, before, now, END]
                found.append((ended / ((5 + length + 1) / 6) ** alpha, answer, True))
            else:
                found.append((total / ((5 + length) / 6) ** alpha, answer, False))
    return sorted(found, key=lambda entry: (not entry[2], -entry[0]))


@pytest.mark.parametrize(("seed", "alpha"), list(itertools.product(range(5), (0.0, 1.0, 2.5))))
def test_wide_beam_is_exhaustive_search(seed: int, alpha: float) -> None:
    scores = table(seed)
    say, state = said_by(scores)
    beams = 3**LONGEST
    found = beam(say, state, 3, START, END, LONGEST, CPU, beams=beams, alpha=alpha)
    for row, answers in enumerate(found):
        expected = every_answer(scores[row].numpy(), alpha)[:beams]
        assert len(answers) == beams
        for hypothesis, (score, tokens, ended) in zip(answers, expected, strict=True):
            assert (hypothesis.ended, hypothesis.score) == (ended, pytest.approx(score, rel=1e-5))
            assert hypothesis.tokens == tokens


@pytest.mark.parametrize("seed", range(5))
def test_a_wider_beam_is_never_worse_and_one_beam_without_penalty_ends_like_greedy(seed: int) -> None:
    scores = table(seed)
    best = [-math.inf] * 3
    for beams in (1, 2, 5, 20, 81):
        say, state = said_by(scores)
        for row, answers in enumerate(beam(say, state, 3, START, END, LONGEST, CPU, beams=beams, alpha=0.0)):
            ended = [answer.score for answer in answers if answer.ended]
            assert ended == sorted(ended, reverse=True)
            if beams == 81:
                assert ended[0] >= best[row] - 1e-6
            best[row] = max(best[row], *ended, -math.inf) if ended else best[row]


def test_each_hypothesis_is_penalized_for_its_own_length() -> None:
    """Three answers: the end at once with p = 0.4, one word with p = 0.3, two with p = 0.195."""
    log = torch.log(torch.tensor([[1e-12, 0.4, 0.6, 1e-12], [1e-12, 0.5, 0.5, 1e-12], [1e-12, 0.65, 0.35, 1e-12]]))

    def say(tokens, state):
        (place,) = state
        return log[place.clamp(max=2)], (place + 1,)

    for alpha, first in ((0.0, ()), (4.0, (2, 2)), (2.0, (2,))):
        (answers,) = beam(say, (torch.zeros(1, dtype=torch.long),), 1, START, END, 3, CPU, beams=3, alpha=alpha)
        candidates = {(): math.log(0.4), (2,): math.log(0.3), (2, 2): math.log(0.195)}
        scores = {answer: p / penalty(len(answer) + 1, alpha) for answer, p in candidates.items()}
        assert answers[0].tokens == max(scores, key=scores.__getitem__)
        assert answers[0].tokens == first
        assert answers[0].score == pytest.approx(scores[answers[0].tokens], rel=1e-5)


def test_rows_do_not_disturb_each_other() -> None:
    scores = table(3, rows=6)
    say, state = said_by(scores)
    together = beam(say, state, 6, START, END, LONGEST, CPU, beams=2)
    for row in range(6):
        say, state = said_by(scores[row : row + 1])
        assert beam(say, state, 1, START, END, LONGEST, CPU, beams=2)[0] == together[row]


def test_draws_follow_the_probabilities() -> None:
    """The first of two tokens is drawn from softmax(logits / temperature)."""
    logits, rows = torch.tensor([-30.0, -30.0, 1.0, 0.0]), 20_000
    say = lambda tokens, state: (logits.expand(len(tokens), -1), state)  # noqa: E731
    for temperature in (1.0, 0.5):
        said = sample(say, (), rows, START, END, 1, CPU, temperature=temperature, seed=1)
        fraction = sum(row == [2] for row in said) / rows
        p = 1 / (1 + math.exp(-1 / temperature))
        assert abs(fraction - p) < 4 * math.sqrt(p * (1 - p) / rows)
    again = sample(say, (), 50, START, END, 3, CPU, seed=7)
    assert again == sample(say, (), 50, START, END, 3, CPU, seed=7)
    assert again != sample(say, (), 50, START, END, 3, CPU, seed=8)


def test_greedy_takes_the_likeliest() -> None:
    scores = table(0)
    say, state = said_by(scores)
    for row, answer in enumerate(greedy(say, state, 3, START, END, LONGEST, CPU)):
        before, now = V, START
        for place, token in enumerate([*answer, END][:LONGEST]):
            assert int(scores[row, place, before, now].argmax()) == token
            before, now = now, token


def test_what_cannot_be_is_refused() -> None:
    say, state = said_by(table(0))
    with pytest.raises(ConfigError, match="beams: expected an integer >= 1, got 0"):
        beam(say, state, 3, START, END, LONGEST, CPU, beams=0)
    with pytest.raises(ConfigError, match="length_penalty"):
        beam(say, state, 3, START, END, LONGEST, CPU, alpha=-1.0)
    with pytest.raises(ConfigError, match="temperature"):
        sample(say, state, 3, START, END, LONGEST, CPU, temperature=0.0)
