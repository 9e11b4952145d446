"""A folder that only one process writes: the others are told so. A lock goes with its process, however that ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from neurarium.checks import RunError
from neurarium.record.files import make_folder, storage_errors


@contextlib.contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Hold a folder, which is made where it is not there, for as long as the block runs.

    Raises RunError: another process or thread holds it; StorageError: nothing can be written there.
    """
    lock = FileLock(make_folder(folder) / ".lock", timeout=0)
    with storage_errors(folder):
        try:
            lock.acquire()
        except Timeout as error:
            raise RunError(
                str(folder),
                expected="a folder that nobody else writes",
                got="one in which another process is at work",
                remedy="wait for it, or end it first: it saves what it has learned",
            ) from error
    try:
        yield
    finally:
        lock.release()
