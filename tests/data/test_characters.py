from pathlib import Path

import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.catalog import load
from neurarium.data.characters import from_text
from neurarium.data.dataset import Dataset
from neurarium.data.windows import Windows


def text_of(data: Dataset, part: str) -> str:
    examples = getattr(data, part)
    assert isinstance(examples, Windows)
    return "".join(data.schema.input.categories[k] for k in examples.tokens)


def test_parts_follow_one_another_and_windows_too() -> None:
    text = "".join(chr(97 + k * k % 23) for k in range(1000))
    data = from_text(text, "toy", provenance="made up", length=8)
    parts = [text_of(data, part) for part in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [900, 50, 50]
    assert "".join(parts) == text
    assert data.schema.input.categories == tuple(sorted(set(text)))
    batch = data.train.gather(torch.arange(len(data.train)))
    letters = data.schema.input.categories
    rows = ["".join(letters[k] for k in row) for row in batch.x.tolist()]
    assert rows == [text[k : k + 8] for k in range(0, 899 - 7, 8)]
    assert ["".join(letters[k] for k in row) for row in batch.labels.tolist()] == [
        text[k + 1 : k + 9] for k in range(0, 899 - 7, 8)
    ]


def test_a_file_of_any_language(tmp_path: Path) -> None:
    text = "Größe, 大小, размер 🙂\n" * 100
    (tmp_path / "mine.txt").write_text(text, encoding="utf-8-sig")
    data = load("mine.txt", folder=str(tmp_path))
    assert text_of(data, "train") + text_of(data, "validation") + text_of(data, "test") == text
    assert data.name == "mine.txt"
    assert data.provenance.startswith("text in mine.txt; first 90 %")
    assert data.train.gather(torch.tensor([0])).x.shape == (1, 64)


def test_more_characters_than_a_byte_holds() -> None:
    text = "".join(chr(0x4E00 + k % 700) for k in range(3000))
    data = from_text(text, "toy", provenance="made up")
    assert len(data.schema.input.categories) == 700
    assert text_of(data, "train") == text[:2700]


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("x" * 1299)
    with pytest.raises(DataError, match=r"short\.txt: expected at least 1,300 characters, .* got 1,299 characters"):
        load(str(tmp_path / "short.txt"))
    (tmp_path / "enough.txt").write_text("x" * 1300)
    assert load(str(tmp_path / "enough.txt")).counts() == {"train": 18, "validation": 1, "test": 1}
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00" * 1000)
    with pytest.raises(DataError, match=r"bytes\.txt: expected text in UTF-8"):
        load(str(tmp_path / "bytes.txt"))
    with pytest.raises(DataError, match=r"expected an idx pair, .*\.txt, .* got no such file or folder"):
        load(str(tmp_path / "nothing.txt"))
