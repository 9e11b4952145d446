"""Which classes a net takes for which."""

import numpy as np
from jaxtyping import Float, Integer


def row_fractions(confusion: Integer[np.ndarray, "classes classes"]) -> Float[np.ndarray, "classes classes"]:
    """Fraction of each answer among the examples of a class; 0 for a class without examples.

    Example:
        >>> row_fractions(np.array([[3, 1], [0, 0]]))
        array([[0.75, 0.25],
               [0.  , 0.  ]])
    """
    return confusion / np.maximum(confusion.sum(1, keepdims=True), 1)


def strengths(fractions: Float[np.ndarray, "classes classes"]) -> Float[np.ndarray, "classes classes"]:
    """How strongly each cell is colored, from 0 to 1: the fraction where the answer is right, its root where not.

    Mistakes are rare where a net is any good: in proportion they would all be white.
    """
    return np.where(np.eye(len(fractions), dtype=bool), fractions, np.sqrt(fractions))


def shorten(name: str, most: int) -> str:
    """Cut a long name; what is missing shows.

    Example:
        >>> shorten("brown-bear", 6)
        'brown…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"


def most_confused(confusion: Integer[np.ndarray, "classes classes"]) -> tuple[int, int] | None:
    """True class and answer of the most frequent mistake, the first where several are; none without a mistake.

    Example:
        >>> most_confused(np.array([[5, 0], [2, 4]]))
        (1, 0)
    """
    wrong = confusion - np.diag(confusion.diagonal())
    if not wrong.any():
        return None
    truth, answer = divmod(int(wrong.argmax()), len(wrong))
    return truth, answer
