"""How many tokens must be put in, taken out or exchanged to make one row of another (V. Levenshtein, 1966)."""

from collections.abc import Sequence


def edit_distance(a: Sequence[object], b: Sequence[object]) -> int:
    """Least number of insertions, deletions and substitutions, each of one token.

    Example:
        >>> edit_distance("kitten", "sitting")
        3
    """
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        now = [i]
        for j, y in enumerate(b, 1):
            now.append(min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (x != y)))
        before = now
    return before[-1]
