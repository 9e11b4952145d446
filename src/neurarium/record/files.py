"""Write a file so that it is there whole or not at all.

The bytes go to a temporary file beside the target, are flushed to the disk (fsync), and the file is renamed over the
target; then the folder is flushed, so that the rename survives a power cut too.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neurarium.checks import StorageError

_REMEDIES = {
    errno.ENOSPC: ("enough free space", "the disk is full", "free some space or choose another folder with --out"),
    errno.EDQUOT: ("enough quota", "the quota is used up", "free some space or choose another folder with --out"),
    errno.EROFS: ("a writable disk", "a read-only disk", "choose another folder with --out"),
    errno.EACCES: ("permission to write", "permission denied", "choose another folder with --out"),
    errno.EPERM: ("permission to write", "permission denied", "choose another folder with --out"),
    errno.ENOTDIR: ("a folder", "a path that runs through a file", "choose another folder with --out"),
    errno.EISDIR: ("a file name", "a folder of that name", "choose another file name with --out"),
    errno.EEXIST: ("a folder", "a file of that name", "choose another folder with --out"),
    errno.ENOENT: ("an existing folder", "no such folder", "make the folder first"),
}


@contextlib.contextmanager
def storage_errors(path: str | Path) -> Iterator[None]:
    """Turn an `OSError` about `path` into a `StorageError` with a remedy."""
    try:
        yield
    except OSError as error:
        expected, got, remedy = _REMEDIES.get(
            error.errno or 0,
            ("a file that can be written", error.strerror or str(error), "choose another folder with --out"),
        )
        raise StorageError(str(path), expected=expected, got=got, remedy=remedy) from error


def write_atomic(path: str | Path, data: bytes | str) -> None:
    """Write `data` to `path`, whole or not at all; folders above are made.

    Raises StorageError: the disk is full, read-only or not permitted; what was at `path` before is untouched.
    """
    path = Path(path)
    content = data.encode() if isinstance(data, str) else data
    with storage_errors(path):
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes the file private to its owner; a result should be as readable as any other file.
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        finally:
            with contextlib.suppress(OSError):  # nothing is left of that name where all went well
                os.unlink(name)
        sync_folder(path.parent)


def make_folder(path: str | Path) -> Path:
    """Make a folder and those above it. Raises StorageError: it cannot be made."""
    with storage_errors(path):
        Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def cache_folder() -> Path:
    """Where what can be had again is kept for a user: `$XDG_CACHE_HOME/neurarium` or `~/.cache/neurarium`."""
    return Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")) / "neurarium"


def remove_parts(folder: str | Path) -> None:
    """Remove what writers that were killed left in a folder and those below. Raises StorageError: it cannot be."""
    with storage_errors(folder):
        for part in Path(folder).rglob(".*.part"):
            part.unlink(missing_ok=True)


def move_aside(path: str | Path) -> Path:
    """Give a file or folder another name beside it, NAME-aside-1 and so on. Raises StorageError: it cannot be moved."""
    path, number = Path(path), 1
    while (aside := path.with_name(f"{path.name}-aside-{number}")).exists():
        number += 1
    with storage_errors(path):
        return path.rename(aside)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to the disk, where the system can."""
    with contextlib.suppress(OSError):  # some network file systems refuse to open a folder
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
