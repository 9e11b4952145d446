"""Settings between frozen dataclasses, plain dictionaries and TOML.

A settings class is a frozen dataclass of numbers, strings, booleans, tuples, `None` and further settings. `overlay`
starts from a complete instance and lays the given values over it, so a file may name only what differs.
TOML has no null: `None` is written as "none".
"""

import dataclasses
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tomli_w

from neurarium.checks import ConfigError, choose

S = TypeVar("S")


def to_plain(settings: Any) -> dict[str, Any]:
    """Turn settings into a dictionary that TOML and JSON can hold.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Net:
        ...     hidden: tuple[int, ...] = (3, 4)
        ...     dropout: float | None = None
        >>> to_plain(Net())
        {'hidden': [3, 4], 'dropout': 'none'}
    """
    return {field.name: _plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_plain(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return "none" if value is None else value


def flat(values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Plain settings by their dotted names.

    Example:
        >>> flat({"epochs": 3, "optimizer": {"lr": 0.1}})
        {'epochs': 3, 'optimizer.lr': 0.1}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{where}{name}.") if isinstance(value, Mapping) else {f"{where}{name}": value}
    return found


def brief(settings: Any) -> str:
    """Settings as Python writes them, without those that are as they are by default.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Net:
        ...     hidden: tuple[int, ...] = (3, 4)
        ...     dropout: float = 0.0
        >>> brief(Net(dropout=0.2))
        'Net(dropout=0.2)'
    """
    if not dataclasses.is_dataclass(settings):
        return repr(settings)
    said = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        made = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if value != made:
            said.append(f"{field.name}={brief(value)}")
    return f"{type(settings).__name__}({', '.join(said)})"


def overlay(settings: S, values: Mapping[str, Any], where: str = "") -> S:
    """Return `settings` with `values` laid over it, each checked against its field's type.

    Args:
        values: field name to value; a dictionary where the field holds settings itself.
        where: the dotted path so far, for messages.
    Raises ConfigError: an unknown field (with the closest names) or a value of the wrong type.
    """
    hints = get_type_hints(type(settings))
    fields = {field.name: field for field in dataclasses.fields(settings)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{where}{name}"
        choose(name, fields, subject=f"setting {path!r}")
        current = getattr(settings, name)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, Mapping):
                raise ConfigError(path, expected="a table of settings", got=repr(value))
            changes[name] = overlay(current, value, where=f"{path}.")
        else:
            changes[name] = _convert(value, hints[name], path)
    return dataclasses.replace(settings, **changes)  # type: ignore[type-var]


def _convert(value: Any, hint: Any, path: str) -> Any:
    """Check `value` against a type hint; integers pass for floats and lists for tuples."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if type(None) in arguments and (value is None or value == "none"):
            return None
        return _convert(value, next(a for a in arguments if a is not type(None)), path)
    if origin is Literal:
        if value in arguments:
            return value
        return choose(str(value), {str(a): a for a in arguments}, subject=path)
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_convert(item, arguments[0], f"{path}[{i}]") for i, item in enumerate(value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is None and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise ConfigError(path, expected=_WORDS.get(hint, "a list of values"), got=repr(value))


_WORDS = {int: "an integer", float: "a number", str: "text", bool: "true or false"}


def write_toml(values: Mapping[str, Any]) -> str:
    """Write plain values as TOML text."""
    return tomli_w.dumps(values)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file. Raises ConfigError: no such file, or not TOML; names the line."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), expected="a TOML file", got=error.strerror or "nothing") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), expected="valid TOML", got=str(error), remedy="fix that line") from error
