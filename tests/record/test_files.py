import errno
import os
from pathlib import Path

import pytest

from neurarium.checks import StorageError
from neurarium.record.files import write_atomic


def test_writes_and_makes_folders(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a" / "b.txt", "text")
    assert (tmp_path / "a" / "b.txt").read_text() == "text"


def test_result_is_as_readable_as_any_other_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    write_atomic(path, b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        write_atomic(path, b"new and longer")
    assert "the disk is full" in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_interruption_while_writing_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(source: str, target: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", b"x")
    assert list(tmp_path.iterdir()) == []


def test_real_full_device_is_reported() -> None:
    # /dev/full answers every write as a full disk does
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    from neurarium.record.files import storage_errors

    with (
        pytest.raises(StorageError, match="the disk is full"),
        storage_errors("/dev/full"),
        open("/dev/full", "wb") as f,
    ):
        f.write(b"x" * 10)


def test_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="--out"):
        write_atomic(tmp_path / "file" / "inside", b"x")
