"""Look a name up, and on a miss say the closest ones."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from neurarium.checks.errors import ConfigError

T = TypeVar("T")
_FEW = 12


def choose(name: str, table: Mapping[str, T], subject: str) -> T:
    """Return `table[name]`.

    Raises ConfigError: no such name; the message holds the closest names, and all of them where they are few or none is
    close.

    Example:
        >>> choose("lenet6", {"lenet5": 5, "mlp": 1}, "recipe")
        Traceback (most recent call last):
        neurarium.checks.errors.ConfigError: recipe: expected one of lenet5, mlp, got 'lenet6'; did you mean lenet5?
    """
    if name in table:
        return table[name]
    raise ConfigError(subject, expected=one_of(name, table), got=repr(name), remedy=suggest(name, table))


def one_of(name: str, names: Collection[str], cutoff: float = 0.6) -> str:
    """Say what there is: all names, or how many where they are many and some are close to the one that was given.

    Example:
        >>> one_of("lenet6", ["lenet5", "mlp"]), one_of("lenet6", [f"lenet{k}" for k in range(40)])
        ('one of lenet5, mlp', 'one of 40 known names')
    """
    if len(names) > _FEW and suggest(name, names, cutoff):
        return f"one of {len(names)} known names"
    return f"one of {', '.join(names)}"


def suggest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """Ask whether one of the closest `names` was meant; empty where none is close.

    Example:
        >>> suggest("lenet6", ["lenet5", "mlp"])
        'did you mean lenet5?'
    """
    close = difflib.get_close_matches(name.lower(), list(names), n=3, cutoff=cutoff)
    return f"did you mean {' or '.join(close)}?" if close else ""
