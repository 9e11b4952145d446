import gzip

import numpy as np
import pytest

from neurarium.checks import DataError
from neurarium.data.idx import read_idx


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("kind", ["uint8", "int8", "int16", "int32", "float32", "float64"])
def test_reads_what_was_written(tmp_path, write_idx, kind, suffix):
    array = (np.arange(24).reshape(4, 3, 2) * 5 - (0 if kind == "uint8" else 60)).astype(kind)
    read = read_idx(write_idx(tmp_path / f"a{suffix}", array), 3)
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)
    assert read.flags.writeable


def test_bytes_written_by_hand(tmp_path):
    (tmp_path / "labels").write_bytes(bytes.fromhex("00000801 00000003 070201"))
    assert read_idx(tmp_path / "labels", 1).tolist() == [7, 2, 1]


def test_gzip_is_told_by_content_not_by_name(tmp_path):
    (tmp_path / "a.gz").write_bytes(bytes.fromhex("00000801 00000001 09"))
    (tmp_path / "b").write_bytes(gzip.compress(bytes.fromhex("00000801 00000001 09")))
    assert read_idx(tmp_path / "a.gz", 1).tolist() == read_idx(tmp_path / "b", 1).tolist() == [9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "first bytes none: the file is empty"),
        (b"\x89PNG and more", "expected an idx file .* got first bytes 89 50 4e 47"),
        (bytes.fromhex("00000a01 00000001 09"), "got first bytes 00 00 0a 01"),
        (bytes.fromhex("00000803 00000001 00000001 00000001 09"), "expected 1 axes, got 3; give the images file"),
        (bytes.fromhex("00000801 0000"), "expected a header of 8 bytes, got 6 bytes"),
        (bytes.fromhex("00000801 00000003 0702"), r"expected 3 bytes .* shape \(3,\).* got 2; .* truncated"),
        (bytes.fromhex("00000801 00000001 0702"), "expected 1 bytes .* got 2"),
        (bytes.fromhex("00000801 ffffffff 0702"), "expected 4294967295 bytes"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_bad_content(tmp_path, content, message, pack):
    path = tmp_path / "bad-labels-idx1-ubyte"
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match=f"bad-labels-idx1-ubyte: .*{message}"):
        read_idx(path, 1)


def test_damaged_gzip(tmp_path, write_idx):
    path = write_idx(tmp_path / "x.gz", np.random.default_rng(0).integers(0, 256, 5000).astype(np.uint8))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole[:12], bytes(flipped), whole + b"trailing"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"x\.gz: expected a whole gzip file, got .*; fetch the file again"):
            read_idx(path, 1)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"none\.gz: expected an idx file, got no such file; check the path"):
        read_idx(tmp_path / "none.gz", 1)
    with pytest.raises(DataError, match="expected an idx file that can be read, got Is a directory"):
        read_idx(tmp_path, 1)
