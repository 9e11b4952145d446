"""How well a memory gives back what it holds, from damaged examples of it."""

from neurarium.learning.recall import recall_scores
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.training.scores.measure import Measure


def memory_measures(net: AssociativeMemory, flip: float) -> tuple[Measure, ...]:
    """Damage the stored patterns, the same way every time, and let the net recall them.

    Args:
        net: with patterns stored.
        flip: share of the units turned round.
    """
    found = recall_scores(net.recall, net.kept, flip)
    stored = f"{len(net.kept):,} stored pattern{'' if len(net.kept) == 1 else 's'}"
    return (
        Measure(
            "exact recall",
            found.exact,
            f"share of the {stored} that come back without a wrong unit, {100 * flip:g} % of the units turned round",
            "%",
        ),
        Measure(
            "right units",
            found.right_after,
            "share of right units after the recall",
            "%",
            baseline=found.right_before,
            against="the damaged patterns themselves",
        ),
        Measure("overlap", found.overlap, "mean of 1/n x . x' of a pattern and what was recalled"),
        Measure("sweeps", found.steps, "passes over all units until nothing changed", higher_is_better=False),
    )
