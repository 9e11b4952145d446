"""How far a measured fraction may be from the true one, given how many examples it was measured on."""

import math
from collections.abc import Sequence

Z_95 = 1.959963984540054  # the 0.975 quantile of the normal distribution


def wilson_interval(hits: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Interval in which the true fraction of hits lies with 95 % confidence.

        center = (p + z^2 / 2n) / (1 + z^2 / n)
        half   = z / (1 + z^2 / n) sqrt(p (1 - p) / n + z^2 / 4n^2),    p = hits / n

    Unlike p +- z sqrt(p (1 - p) / n) it stays within [0, 1] and has a width at p = 0 and p = 1.

    Example:
        >>> low, high = wilson_interval(484, 500)
        >>> round(low, 3), round(high, 3)
        (0.949, 0.98)

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    fraction, spread = hits / trials, z * z / trials
    center = (fraction + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(fraction * (1 - fraction) / trials + spread / (4 * trials))
    return max(0.0, center - half), min(1.0, center + half)


def ratio_interval(sums: Sequence[int], counts: Sequence[int], z: float = Z_95) -> tuple[float, float]:
    """Interval of a ratio of two sums over examples, such as wrong letters to letters, drawn by example.

        r = sum e / sum n,    r +- z sqrt(N / (N - 1) sum (e - r n)^2) / sum n

    Errors of one example depend on each other, those of two do not. Not below 0; one example gives no width.

    Source: W. Cochran, "Sampling techniques", 1977, section 2.11.
    """
    total, examples = sum(counts), len(sums)
    ratio = sum(sums) / total
    rest = sum((e - ratio * n) ** 2 for e, n in zip(sums, counts, strict=True))
    half = z * math.sqrt(rest * examples / max(examples - 1, 1)) / total
    return max(0.0, ratio - half), ratio + half
