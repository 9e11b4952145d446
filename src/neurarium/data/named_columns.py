"""Columns found again by the names that a net learned them by, whatever their order and whatever stands between."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from neurarium.checks import DataError, suggest


@dataclass(frozen=True)
class Found:
    """Places of the columns that were learned from, in that order, and names of those that nobody asked for."""

    places: tuple[int, ...]
    extra: tuple[str, ...]

    def notices(self, subject: str) -> tuple[str, ...]:
        """What a user should know: which columns play no part."""
        if not self.extra:
            return ()
        are = "column is" if len(self.extra) == 1 else "columns are"
        return (f"{subject}: ignored, as the net has not learned from it: {are} {', '.join(map(repr, self.extra))}",)


def find_columns(there: Sequence[str], learned: Sequence[str], expected: Collection[str], subject: str) -> Found:
    """Find the columns named `learned`; `expected` are others that may stand there and need no word: targets.

    Raises:
        DataError: one is missing, or there is another number of them than was learned.

    Example:
        >>> find_columns(["id", "h", "price", "w"], ["w", "h"], ["price"], "t.csv")
        Found(places=(3, 1), extra=('id',))
    """
    for name in learned:
        if name not in there:
            remedy = suggest(name, there) or "name the columns as in the table that was learned from"
            raise DataError(subject, expected=f"a column {name!r}", got=f"columns {', '.join(there)}", remedy=remedy)
    found = [k for k, name in enumerate(there) if name in learned]
    for k in found:
        if (times := there.count(there[k])) != learned.count(there[k]):
            expected_words, got = f"a single column {there[k]!r}", "several" if times > 1 else "one"
            raise DataError(subject, expected=expected_words, got=got, remedy="rename or remove one")
    if [there[k] for k in found] != list(learned):
        found = [there.index(name) for name in learned]
    return Found(tuple(found), tuple(name for name in there if name not in learned and name not in expected))
