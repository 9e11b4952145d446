"""Look a name up, and on a miss say the closest ones."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from neurarium.checks.errors import ConfigError

T = TypeVar("T")


def choose(name: str, table: Mapping[str, T], subject: str) -> T:
    """Return `table[name]`.

    Raises:
        ConfigError: no such name; the message holds the closest names, or all of them where none is close.

    Example:
        >>> choose("lenet6", {"lenet5": 5, "mlp": 1}, "recipe")
        Traceback (most recent call last):
        neurarium.checks.errors.ConfigError: recipe: expected one of lenet5, mlp, got 'lenet6'; did you mean lenet5?
    """
    if name in table:
        return table[name]
    raise ConfigError(subject, expected=f"one of {', '.join(table)}", got=repr(name), remedy=suggest(name, table))


def suggest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """Ask whether one of the closest `names` was meant; empty where none is close.

    Example:
        >>> suggest("lenet6", ["lenet5", "mlp"])
        'did you mean lenet5?'
    """
    close = difflib.get_close_matches(name.lower(), list(names), n=3, cutoff=cutoff)
    return f"did you mean {' or '.join(close)}?" if close else ""
