"""Open files, and say what is wrong with one that cannot be read."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from neurarium.checks import DataError


@contextlib.contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn an `OSError` met while reading `path`, which should have been `what` ("an idx file"), into a `DataError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(str(path), expected=what, got="no such file", remedy="check the path") from error
    except OSError as error:
        reason, remedy = error.strerror or str(error), "check path and permissions"
        raise DataError(str(path), expected=f"{what} that can be read", got=reason, remedy=remedy) from error


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8; a `DataError` says why it cannot be read."""
    try:
        with reading(path, f"a {path.suffix or 'text'} file"):
            return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(str(path), expected="text in UTF-8", got=str(error), remedy="save it in UTF-8") from error
