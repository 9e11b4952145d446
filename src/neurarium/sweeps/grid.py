"""The grid of a sweep: which settings take which values, and the recipes that follow (no torch)."""

import itertools
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from neurarium.checks import ConfigError, choose
from neurarium.training.recipe import Recipe, recipe_from_plain

Grid = dict[str, list[Any]]
_RESERVED = {"seed": "pass --seeds 5: every cell gets the same seeds, counted on from the recipe's", "name": ""}


@dataclass(frozen=True)
class Cell:
    """One place of the grid.

    Attributes:
        name: what tells it from the others: "sgd, lr=0.01".
        settings: dotted field to plain value, for every field of the grid.
    """

    name: str
    settings: dict[str, Any]
    recipe: Recipe


def expand(recipe: Recipe, grid: Mapping[str, Any]) -> tuple[Cell, ...]:
    """Return the cells of a grid (dotted field to a value or a list of them), the last field changing fastest.

    Raises ConfigError: no such field, a value of the wrong type or out of range, a field without values, a value twice.

    Example:
        >>> from neurarium.recipes.feedforward import mlp
        >>> [cell.name for cell in expand(mlp(), {"optimizer.name": ["sgd", "adam"], "epochs": 3})]
        ['sgd', 'adam']
    """
    lists = listed(recipe, grid)
    varied = [field for field, values in lists.items() if len(values) > 1]
    cells = []
    for values in itertools.product(*lists.values()):
        settings = dict(zip(lists, values, strict=True))
        name = ", ".join(_labels({field: settings[field] for field in varied})) or recipe.name
        cells.append(Cell(name, settings, recipe_from_plain(_nested(settings), base=recipe)))
    return tuple(cells)


def listed(recipe: Recipe, grid: Mapping[str, Any]) -> Grid:
    """Return a grid whose every field has a list of plain values, as TOML can hold them.

    Raises ConfigError: no such field, a field without values, or a value twice.

    Example:
        >>> from neurarium.recipes.feedforward import mlp
        >>> listed(mlp(), {"net.hidden": (64,), "clip_norm": [None, 1.0]})
        {'net.hidden': [[64]], 'clip_norm': ['none', 1.0]}
    """
    return {field: _listed(recipe, field, values) for field, values in grid.items()}


def read_values(recipe: Recipe, field: str, text: str) -> list[Any]:
    """Read the values of a field from text: separated by commas, or by semicolons where a value is itself a list.

    Raises ConfigError: no such field, or nothing between two separators.

    Example:
        >>> from neurarium.recipes.feedforward import mlp
        >>> read_values(mlp(), "optimizer.lr", "1e-3,0.01")
        [0.001, 0.01]
        >>> read_values(mlp(), "net.hidden", "64;128,64")
        [[64], [128, 64]]
    """
    hint = field_type(recipe, field)
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return [[_read(word, item) for word in part.split(",") if word.strip()] for part in text.split(";")]
    words = [word.strip() for word in text.split(",")]
    if "" in words:
        raise ConfigError(field, expected="values separated by commas", got=repr(text))
    return [_read(word, hint) for word in words]


def field_type(recipe: Recipe, field: str) -> Any:
    """Return the type of a field, given by its dotted path.

    Raises ConfigError: no such field, with the closest names; or a group of fields.
    """
    if field == "net.kind":
        return str
    settings: Any = recipe
    hint: Any = type(recipe)
    path = ""
    for part in field.split("."):
        if not is_dataclass(settings):
            raise ConfigError(f"setting {field!r}", expected=f"{path}, which has no parts", got=repr(part))
        path = f"{path}.{part}" if path else part
        choose(part, {f.name: f for f in fields(settings)}, subject=f"setting {path!r}")
        hint, settings = get_type_hints(type(settings))[part], getattr(settings, part)
    if is_dataclass(settings):
        inside = ", ".join(f"{field}.{f.name}" for f in fields(settings))
        raise ConfigError(f"setting {field!r}", expected=f"one of {inside}", got="a group of settings")
    return hint


def _listed(recipe: Recipe, field: str, values: Any) -> list[Any]:
    """The plain values of a field, checked for what a grid cannot have."""
    several = isinstance(values, (list, tuple))
    if several and get_origin(field_type(recipe, field)) is tuple:
        several = not values or any(isinstance(value, (list, tuple)) for value in values)
    plain = [_plain(value) for value in values] if several else [_plain(values)]
    if field in _RESERVED and (field == "name" or len(plain) > 1):
        raise ConfigError(field, expected="one value for the whole sweep", got=str(plain), remedy=_RESERVED[field])
    if not plain:
        raise ConfigError(field, expected="at least one value", got="none")
    twice = [value for k, value in enumerate(plain) if value in plain[:k]]
    if twice:
        raise ConfigError(field, expected="each value once", got=f"{twice[0]!r} twice")
    return plain


def _labels(settings: Mapping[str, Any]) -> list[str]:
    """Name settings by the last part of their path, or by the whole path where that is not enough."""
    ends = [field.rsplit(".", 1)[-1] for field in settings]
    labels = []
    for (field, value), end in zip(settings.items(), ends, strict=True):
        shown = "-".join(map(str, value)) or "none" if isinstance(value, list) else f"{value}"
        if end in ("name", "kind"):
            labels.append(shown)
        else:
            labels.append(f"{end if ends.count(end) == 1 else field}={shown}")
    return labels


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Turn dotted fields into tables within tables."""
    tree: dict[str, Any] = {}
    for field, value in settings.items():
        *groups, last = field.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return tree


def _read(word: str, hint: Any) -> Any:
    """Read one value; a word that does not fit stays text, for `overlay` to refuse by name."""
    if get_origin(hint) in (Union, types.UnionType):
        if word == "none":
            return "none"
        hint = next(a for a in get_args(hint) if a is not type(None))
    if hint is bool:
        return {"true": True, "false": False}.get(word.lower(), word)
    if hint in (int, float):
        try:
            return hint(word)
        except ValueError:
            return word
    return word


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return "none" if value is None else value
