"""Parse a command's options from a function's or dataclass's signature."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import tyro

T = TypeVar("T")


def parse(target: Callable[..., T], command: str, arguments: Sequence[str], default: T | None = None) -> T:
    """Build or call `target` from a command line; a mistake prints what was meant and exits with code 2."""
    extra: dict[str, Any] = {} if default is None else {"default": default}
    return tyro.cli(target, prog=f"neurarium {command}", args=list(arguments), **extra)
