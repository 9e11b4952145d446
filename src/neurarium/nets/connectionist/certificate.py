"""Why no hyperplane separates: a convex combination of signed examples that is zero, in fractions.

    sum_i alpha_i y_i (x_i, 1) = 0,    alpha_i >= 0,    sum_i alpha_i = 1

A linear program finds alpha in floating point; for at most `_EXACT` examples it is solved for once more in fractions,
of the very numbers that the examples are.

Source: P. Gordan, "Ueber die Aufloesung linearer Gleichungen mit reellen Coefficienten", 1873.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

_EXACT = 40  # fractions grow with each example that takes part
_SHOWN = 6


@dataclass(frozen=True)
class Certificate:
    """Why no hyperplane separates: sum_i alpha_i y_i (x_i, 1) = 0 for fractions alpha_i > 0 that sum to 1.

    The fractions of examples with y = +1 and of those with y = -1 then have the same mean, a point of both hulls.
    """

    examples: tuple[int, ...]  # numbers of those that take part
    fractions: tuple[Fraction, ...]  # alpha, as fractions where `exact`, else rounded
    exact: bool  # whether the sum is zero exactly, in the very numbers that the examples are
    residual: float  # largest entry of the sum, relative to the largest number in the examples; 0 where exact

    def __str__(self) -> str:
        terms = [
            f"{_short(fraction)} of example {k}" for k, fraction in zip(self.examples, self.fractions, strict=True)
        ]
        more = f" + {len(terms) - _SHOWN} more" if len(terms) > _SHOWN else ""
        sign = "= 0" if self.exact else f"= 0 up to {self.residual:.1g}"
        return f"the signed sum {' + '.join(terms[:_SHOWN])}{more} {sign}"


def certificate(
    z: Float[np.ndarray, "examples width"], chosen: Int[np.ndarray, " some"], fractions: Float[np.ndarray, " some"]
) -> Certificate:
    """Make a certificate of fractions that a linear program has found, exact where that can be."""
    support = np.flatnonzero(fractions > 1e-9 * fractions.max())
    part, alpha = z[chosen[support]], fractions[support] / fractions[support].sum()
    if len(support) <= _EXACT and (exact := _zero_combination(part, alpha)) is not None:
        kept = [k for k, fraction in enumerate(exact) if fraction]
        examples = tuple(int(chosen[support[k]]) for k in kept)
        return Certificate(examples, tuple(exact[k] for k in kept), True, 0.0)
    residual = float(np.abs(alpha @ part).max() / np.abs(part).max())
    shown = tuple(Fraction(fraction).limit_denominator(10**6) for fraction in alpha.tolist())
    return Certificate(tuple(chosen[support].tolist()), shown, False, residual)


def _zero_combination(z: np.ndarray, near: np.ndarray) -> list[Fraction] | None:
    """Solve sum_i alpha_i z_i = 0, sum_i alpha_i = 1, alpha >= 0 in fractions, near a solution in floats."""
    count = len(z)
    rows = [[Fraction(value) for value in column] + [Fraction(0)] for column in z.T.tolist()]
    rows.append([Fraction(1)] * (count + 1))
    pivots: list[int] = []
    for column in range(count):
        rest = range(len(pivots), len(rows))
        found = next((r for r in rest if rows[r][column]), None)
        if found is None:
            continue
        top = len(pivots)
        rows[top], rows[found] = rows[found], rows[top]
        lead = rows[top][column]
        rows[top] = [value / lead for value in rows[top]]
        for r in range(len(rows)):
            if r != top and (factor := rows[r][column]):
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[top], strict=True)]
        pivots.append(column)
    if any(row[-1] for row in rows[len(pivots) :]):
        return None
    alpha = [Fraction(value) for value in near.tolist()]
    free = [column for column in range(count) if column not in pivots]
    for row, pivot in zip(rows, pivots, strict=False):
        alpha[pivot] = row[-1] - sum((row[column] * alpha[column] for column in free), Fraction(0))
    return alpha if min(alpha) >= 0 else None


def _short(fraction: Fraction) -> str:
    return str(fraction) if fraction.denominator < 10**4 else f"{float(fraction):.4g}"
