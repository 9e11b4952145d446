"""Parse a command's options from a function's or dataclass's signature."""

import contextlib
import functools
import inspect
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import tyro

from neurarium.checks import suggest

T = TypeVar("T")


def parse(target: Callable[..., T], command: str, arguments: Sequence[str], default: T | None = None) -> T:
    """Build or call `target` from a command line; a mistake prints what was meant and exits with code 2."""
    extra: dict[str, Any] = {} if default is None else {"default": default}
    said, parsing = io.StringIO(), contextlib.ExitStack()
    run = target
    if inspect.isfunction(target):

        @functools.wraps(target)
        def run(*values: Any, **named: Any) -> T:
            parsing.close()  # what the command itself says is shown as it is said
            return target(*values, **named)

    try:
        with parsing:
            parsing.enter_context(contextlib.redirect_stderr(said))
            return tyro.cli(run, prog=f"neurarium {command}", args=list(arguments), **extra)
    finally:
        text = said.getvalue()
        sys.stderr.write(text)
        # the parser names all choices, not the closest
        found = re.search(r"invalid choice '([^']*)'.*?\((.*?)\)", " ".join(text.replace("│", " ").split()))
        if found and (close := suggest(found[1], re.findall(r"'([^']*)'", found[2]))):
            print(close, file=sys.stderr)
