"""What a net says that has answered at every step with tokens and blanks (`learning.ctc`).

best_path: the likeliest token of each step; fast, and right where one path outweighs all others. prefix_beam: the
`beams` likeliest beginnings of rows are kept at each step, with the probability of all paths that say them: those that
end in a blank apart from those that end in the row's last token, since the same token again means the same one behind
itself, another behind a blank. With as many beams as there are beginnings it finds the likeliest row.

Sources: A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal classification", 2006; A. Hannun,
A. Maas, D. Jurafsky, A. Ng, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
DNNs", 2014.
"""

import math
from collections import defaultdict
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.learning.ctc import said_by

Row: TypeAlias = tuple[int, ...]
_NEVER = -math.inf
# a token less likely than this at a step is not tried: a path through it cannot matter
_LEAST = math.log(1e-12)


def best_path(
    log_p: Float[Tensor, "batch time tokens"], lengths: Int[Tensor, "batch"], blank: int = 0
) -> list[list[int]]:
    """What the likeliest path of each row says."""
    paths = log_p.argmax(-1).tolist()
    return [said_by(path[:length], blank) for path, length in zip(paths, lengths.tolist(), strict=True)]


def prefix_beam(log_p: Float[Tensor, "time tokens"], beams: int = 10, blank: int = 0) -> list[tuple[Row, float]]:
    """The `beams` likeliest rows of one series with log p(y | x), the likeliest first.

    The probabilities are those of the paths that were kept: too low, but for an exhaustive search.
    Raises ConfigError: no beam.
    """
    if beams < 1:
        raise ConfigError("beams", expected="an integer >= 1", got=str(beams))
    steps: np.ndarray = log_p.detach().double().cpu().numpy()
    kept: dict[Row, tuple[float, float]] = {(): (0.0, _NEVER)}  # by paths that end in a blank, in a token
    for step in steps:
        tried = [int(k) for k in np.flatnonzero(step > _LEAST) if k != blank]
        found: dict[Row, list[float]] = defaultdict(lambda: [_NEVER, _NEVER])
        for row, (in_blank, in_token) in kept.items():
            either = _sum(in_blank, in_token)
            same = found[row]
            same[0] = _sum(same[0], either + step[blank])
            if row:
                same[1] = _sum(same[1], in_token + step[row[-1]])
            for k in tried:
                longer = found[(*row, k)]
                longer[1] = _sum(longer[1], (in_blank if row and k == row[-1] else either) + step[k])
        possible = ((-_sum(*ways), row) for row, ways in found.items() if _sum(*ways) > _NEVER)
        kept = {row: (found[row][0], found[row][1]) for _, row in sorted(possible)[:beams]}
    return [(row, float(_sum(*ways))) for row, ways in kept.items()]


def _sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    low, high = (a, b) if a < b else (b, a)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))
