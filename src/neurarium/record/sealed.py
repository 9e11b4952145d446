"""Files that carry a checksum of their values, so that a changed number or name is seen when they are read.

A JSON file holds it under the key "checksum", a TOML file in a comment at its end. It is taken over the values, in
their order: whoever changes spaces or comments changes nothing.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurarium.checks import ConfigError, RunError
from neurarium.record.config import read_toml, write_toml
from neurarium.record.files import write_atomic

KEY = "checksum"
_SEAL = re.compile(r"^# sha256 = (\S*)$", re.MULTILINE)
_HEAD = """\
# How this run was trained. The file is checked when the run is read, so settings are not changed here:
# `neurarium resume RUN --epochs N` goes on with others, `neurarium train --config FILE` takes a changed copy.
"""


def digest(plain: Any) -> str:
    """The SHA-256 of plain values, in hexadecimal.

    Example:
        >>> digest({"a": 1.0, "b": [2]})[:8], digest({"b": [2], "a": 1.0})[:8]
        ('3676b1b2', '82dde1dd')
    """
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def seal(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The values with their checksum."""
    return {**plain, KEY: digest(plain)}


def unseal(plain: Any, subject: str, remedy: str) -> dict[str, Any]:
    """The values without their checksum. Raises RunError: they differ from it, or there is none."""
    values = dict(plain) if isinstance(plain, dict) else {}
    check_seal(values, values.pop(KEY, None), subject, remedy)
    return values


def check_seal(plain: Any, claimed: Any, subject: str, remedy: str) -> None:
    """Raise RunError where values differ from the checksum that they should have, or have none."""
    if claimed != (found := digest(plain)):
        got = f"values of the checksum {found[:12]}: the file is damaged or was changed by hand"
        if claimed is None:
            got = "none: the file is damaged, was changed by hand, or comes from an earlier version"
        raise RunError(subject, expected=f"the checksum {str(claimed)[:12] if claimed else 'of its values'}",
                       got=got, remedy=remedy)  # fmt: skip


def write_json(path: str | Path, plain: Mapping[str, Any]) -> None:
    """Write values and their checksum. Raises StorageError: the disk does not take them."""
    write_atomic(path, json.dumps(seal(plain), indent=1))


def read_json(path: str | Path, expected: str, remedy: str) -> dict[str, Any]:
    """Read what `write_json` wrote. Raises RunError: nothing is there, or it is damaged or changed."""
    try:
        plain = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise RunError(str(path), expected=expected, got=error.strerror or "nothing", remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise RunError(str(path), expected=expected, got="a damaged file", remedy=remedy) from error
    return unseal(plain, str(path), remedy)


def write_settings(path: str | Path, plain: Mapping[str, Any], earlier: Sequence[str] = ()) -> None:
    """Write settings as TOML with their checksum, before those of the settings that the run had before."""
    text = write_toml(plain)
    seals = dict.fromkeys([digest(tomllib.loads(text)), *earlier])
    lines = "".join(f"# sha256 = {one}\n" for one in seals)
    write_atomic(path, f"{_HEAD}{text}{lines}")


def read_settings(path: str | Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read what `write_settings` wrote: the settings, and their checksum before those that the run had earlier.

    Raises RunError: no such file, a damaged or a changed one.
    """
    remedy = f"restore it; or train anew: neurarium train --config {path} --out NEW"
    try:
        plain = read_toml(path)
    except ConfigError as error:
        raise RunError(str(path), expected=error.expected, got=error.got, remedy="restore it") from error
    seals = tuple(_SEAL.findall(Path(path).read_text(encoding="utf-8")))
    check_seal(plain, seals[0] if seals else None, str(path), remedy)
    return plain, seals
