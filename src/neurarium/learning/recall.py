"""How well a memory gives back what it holds: damage patterns, let it recall them, compare.

m = 1/n x . x'        overlap of a pattern x and what was recalled, x'
right = fraction of units with sgn(x'_i) = x_i        (1 + m)/2 where x' is of -1 and +1 as well
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.nets.connectionist.patterns import check_patterns, overlap
from neurarium.nets.connectionist.patterns import flip as turn
from neurarium.nets.connectionist.retrieval import Retrieval


@dataclass(frozen=True)
class RecallScores:
    """Means over the patterns.

    Attributes:
        exact: fraction of the patterns that came back without a wrong unit.
        right_before: fraction of right units after the damage.
        right_after: fraction of right units after the recall; continuous states are read by their signs.
        overlap: of the recalled states, as they are, with the patterns.
        steps: sweeps over all units in which something changed.
    """

    exact: float
    right_before: float
    right_after: float
    overlap: float
    steps: float


def recall_scores(
    recall: Callable[[Tensor], Retrieval],
    patterns: Float[Tensor, "patterns neurons"],
    flip: float = 0.25,
    seed: int = 0,
) -> RecallScores:
    """Turn round a fraction of the units of each pattern, recall, and compare with the undamaged pattern.

    `patterns`: -1 and +1; those that are stored, or others, to see how far the memory pulls them away.
    Raises ShapeError, DataError: no patterns of -1 and +1, or of another width than the memory's; ConfigError: `flip`
    outside [0, 1].

    Example:
        >>> from neurarium.nets.connectionist.hopfield import HopfieldNet
        >>> x = torch.tensor([[1.0, -1, 1, 1, -1, 1, -1, -1]])
        >>> recall_scores(HopfieldNet.storing(x).recall, x)
        RecallScores(exact=1.0, right_before=0.75, right_after=1.0, overlap=1.0, steps=1.0)
    """
    check_patterns(patterns)
    damaged = turn(patterns, flip, torch.Generator().manual_seed(seed))
    found = recall(damaged)
    right = found.states.sign() == patterns
    return RecallScores(
        exact=float(right.all(1).double().mean()),
        right_before=float((damaged == patterns).double().mean()),
        right_after=float(right.double().mean()),
        overlap=float(overlap(found.states.double(), patterns.double()).mean()),
        steps=float(found.sweeps.double().mean()),
    )
