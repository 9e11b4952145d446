"""How a row of tokens is written by a net that says how likely each next one is.

    log p(y | x) = sum_i log p(y_(i+1) | x, y_1 ... y_i)

greedy: the likeliest token again and again. beam: the `beams` likeliest beginnings are kept at every place; of those
that have come to their end the best by

    log p(y | x) / ((5 + |y|) / 6)^alpha

is the answer, |y| the tokens written, the end among them. sample: each token drawn from what the net says.

Source: Y. Wu et al., "Google's neural machine translation system", 2016 (the penalty of length).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.encoder import map_state

State: TypeAlias = tuple[Any, ...]
Say: TypeAlias = Callable[[Tensor, State], tuple[Tensor, State]]
"""From one more token of each row, and a state, to logits of the next and the state after it."""


@dataclass(frozen=True)
class Hypothesis:
    """An answer without start and end, its log-probability with its end, and its score; `ended` at its own end."""

    tokens: tuple[int, ...]
    log_p: float
    score: float
    ended: bool


def penalty(length: int | Tensor, alpha: float) -> float | Tensor:
    """((5 + |y|) / 6)^alpha.

    Example:
        >>> penalty(1, 0.7), penalty(7, 1.0)
        (1.0, 2.0)
    """
    return ((5 + length) / 6) ** alpha


def greedy(say: Say, state: State, rows: int, start: int, end: int, longest: int, device: Any) -> list[list[int]]:
    """The likeliest token again and again, of every row, up to its end, which is left out."""
    tokens = torch.full((rows,), start, device=device)
    over = torch.zeros(rows, dtype=torch.bool, device=device)
    said = []
    for _ in range(longest):
        logits, state = say(tokens, state)
        tokens = torch.where(over, end, logits.argmax(-1))
        said.append(tokens)
        over = over | (tokens == end)
        if bool(over.all()):
            break
    return _cut(torch.stack(said, 1), end) if said else [[] for _ in range(rows)]


def sample(
    say: Say,
    state: State,
    rows: int,
    start: int,
    end: int,
    longest: int,
    device: Any,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> list[list[int]]:
    """Each token drawn from softmax(logits / temperature), of every row, the same for the same seed.

    Raises ConfigError: a temperature that is not positive.
    """
    if not temperature > 0:
        raise ConfigError("temperature", expected="a number > 0", got=str(temperature))
    generator = torch.Generator(device).manual_seed(seed)
    tokens = torch.full((rows,), start, device=device)
    over = torch.zeros(rows, dtype=torch.bool, device=device)
    said = []
    for _ in range(longest):
        logits, state = say(tokens, state)
        drawn = torch.multinomial((logits.float() / temperature).softmax(-1), 1, generator=generator)[:, 0]
        tokens = torch.where(over, end, drawn)
        said.append(tokens)
        over = over | (tokens == end)
        if bool(over.all()):
            break
    return _cut(torch.stack(said, 1), end) if said else [[] for _ in range(rows)]


def beam(
    say: Say,
    state: State,
    rows: int,
    start: int,
    end: int,
    longest: int,
    device: Any,
    *,
    beams: int = 5,
    alpha: float = 1.0,
) -> list[list[Hypothesis]]:
    """The `beams` best answers of every row, the best first.

    An answer that has no end after `longest` tokens stands behind all that have. More beams than there are beginnings,
    as at the first place, stay empty. With as many as there are answers the search is exhaustive.

    Args:
        alpha: strength of the length's penalty; 0: none.

    Raises:
        ConfigError: no beam, or a negative `alpha`.
    """
    if beams < 1:
        raise ConfigError("beams", expected="an integer >= 1", got=str(beams))
    if alpha < 0:
        raise ConfigError("length_penalty", expected="a number >= 0", got=str(alpha))
    width = beams
    tokens = torch.full((rows * width,), start, device=device)
    log_p = torch.full((rows, width), -torch.inf, device=device)
    log_p[:, 0] = 0
    state = map_state(lambda tensor: tensor.repeat_interleave(width, 0), state)
    said = torch.zeros((rows, width, 0), dtype=torch.long, device=device)
    found: list[list[Hypothesis]] = [[] for _ in range(rows)]
    for place in range(1, longest + 1):
        logits, state = say(tokens, state)
        step = logits.float().log_softmax(-1).view(rows, width, -1)
        vocabulary = step.shape[-1]
        total = log_p[:, :, None] + step
        for row, kept in enumerate(_ended(total[:, :, end], said, place, alpha)):
            found[row] = sorted([*found[row], *kept], key=_rank)[:beams]
        total[:, :, end] = -torch.inf
        log_p, chosen = total.flatten(1).topk(min(width, width * vocabulary), 1)
        parent = chosen // vocabulary
        at = (torch.arange(rows, device=device)[:, None] * width + parent).flatten()
        tokens = (chosen % vocabulary).flatten()
        said = torch.cat([said.flatten(0, 1)[at], tokens[:, None]], 1).view(rows, width, -1)
        state = map_state(lambda tensor, at=at: tensor[at], state)  # type: ignore[misc]
        if _nothing_better(log_p, found, beams, longest, alpha):
            break
    return [(answers + _unended(log_p[row], said[row], alpha))[:beams] for row, answers in enumerate(found)]


def _rank(hypothesis: Hypothesis) -> tuple[float, tuple[int, ...]]:
    return -hypothesis.score, hypothesis.tokens


def _ended(
    log_p: Float[Tensor, "rows beams"], said: Int[Tensor, "rows beams length"], place: int, alpha: float
) -> list[list[Hypothesis]]:
    """The beginnings of each row as answers that end here, `place` tokens with the end."""
    scores = (log_p / penalty(place, alpha)).tolist()
    return [
        [Hypothesis(tuple(tokens), p, score, True) for tokens, p, score in zip(*row, strict=True) if p > -float("inf")]
        for row in zip(said.tolist(), log_p.tolist(), scores, strict=True)
    ]


def _unended(log_p: Tensor, said: Tensor, alpha: float) -> list[Hypothesis]:
    """Beginnings of one row that were cut."""
    scores = (log_p / penalty(max(said.shape[1], 1), alpha)).tolist()
    rows = zip(said.tolist(), log_p.tolist(), scores, strict=True)
    return [Hypothesis(tuple(tokens), p, score, False) for tokens, p, score in rows if p > -float("inf")]


def _nothing_better(log_p: Tensor, found: list[list[Hypothesis]], beams: int, longest: int, alpha: float) -> bool:
    """Whether no beginning can become better than the answers at hand: tokens only lower log p."""
    if any(len(answers) < beams for answers in found):
        return False
    best = (log_p[:, 0] / penalty(longest, alpha)).tolist()
    return all(bound <= answers[-1].score for bound, answers in zip(best, found, strict=True))


def _cut(said: Int[Tensor, "rows length"], end: int) -> list[list[int]]:
    return [row[: row.index(end)] if end in row else row for row in said.tolist()]
