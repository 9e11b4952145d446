"""What the laws of variance expect of each use of a layer, chained through the net: outputs and error signals.

What they give for one layer is what the next starts from. The chain starts anew from the measured value after
(forwards) or before (backwards) whatever has no law: pooling, recurrence, operations outside of layers. E[w^2] is
measured, so that this holds for any scheme of first weights; for a trained net the distance from it says how far
weights and signal have come to depend on each other.
"""

import math
from collections.abc import Sequence

from neurarium.learning.trace.recording import Use
from neurarium.learning.trace.variance_laws import NET_INPUTS, backward_law, forward_law, keeps, kernel_fraction

Expected = tuple[float | None, float | None]


def expectations(uses: Sequence[Use], errors: Sequence[float | None]) -> list[Expected]:
    """Root mean squares of outputs and error signals by the laws.

    `errors`: the error signals' root mean squares; None where none comes back.
    Returns: a pair for each use, with None where there is no law; for the last layer there is none backwards.
    """
    known: dict[Use, float] = {}
    incoming: list[tuple[float, float]] = []
    forwards: list[float | None] = []
    for use in uses:
        q = use.incoming if use.before is None else known[use.before]
        fraction = kernel_fraction(use.layer, use.input_shape)
        law = forward_law(use.layer, q, fraction, _takes_normal(use))
        assert use.made is not None
        known[use] = use.made.mean**2 + use.made.deviation**2 if law is None else law
        incoming.append((q, fraction))
        forwards.append(law)

    sent: dict[Use, list[float | None]] = {use: [] for use in uses}
    backwards: list[float | None] = []
    for use, (q, fraction), error in reversed(list(zip(uses, incoming, errors, strict=True))):
        parts = [part for part in sent[use] if part is not None]
        whole = error is not None and parts and len(parts) == len(sent[use]) and not use.used_outside
        law = sum(parts) if whole else None
        signal = law if law is not None or error is None else error**2
        if use.before is not None:
            factor = backward_law(use.layer, q, fraction, use.per_input, _takes_normal(use))
            sent[use.before].append(None if factor is None or signal is None else factor * signal)
        backwards.append(law)
    return [(_root(forward), _root(back)) for forward, back in zip(forwards, reversed(backwards), strict=True)]


def _takes_normal(use: Use) -> bool:
    """Whether the inputs are net inputs, or normalized ones, perhaps rearranged."""
    if use.before is None:
        return False
    return _takes_normal(use.before) if keeps(use.before.layer) else isinstance(use.before.layer, NET_INPUTS)


def _root(square: float | None) -> float | None:
    return None if square is None else math.sqrt(square)
