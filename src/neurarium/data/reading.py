"""Say what is wrong with a file that cannot be opened."""

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
