from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from neurarium.checks import DataError
from neurarium.data import catalog
from neurarium.data.predict_inputs import read_inputs
from neurarium.data.spoken_prompts import load as spoken_prompts


def sound(path: Path, hertz: float, seconds: float = 0.5, rate: int = 16_000) -> None:
    x = np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    path.parent.mkdir(exist_ok=True)
    wavfile.write(path, rate, (20_000 * x).astype(np.int16))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = []
    for k in range(20):
        name = f"sub/{k}.wav" if k % 2 else f"{k}.wav"
        sound(tmp_path / name, 300 + 100 * k)
        lines.append(f"{name}\t{'hello' if k % 2 else 'a b'}")
    (tmp_path / "texts.tsv").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return tmp_path


def test_a_folder_of_wav_files_and_a_table(folder: Path) -> None:
    data = catalog.load(str(folder))
    assert data.counts() == {"train": 16, "validation": 2, "test": 2}
    assert data.schema.target.categories == ("<blank>", " ", "a", "b", "e", "h", "l", "o")
    assert data.schema.input.shape == (None, 26)
    batch = data.train.gather(torch.arange(16))
    assert set(batch.inputs[1].tolist()) == {25}
    texts = {"".join(data.schema.target.categories[k] for k in row if k >= 0) for row in batch.labels.tolist()}
    assert texts == {"hello", "a b"}
    assert float(batch.x.mean()) == pytest.approx(0, abs=0.3)
    names, examples, _ = read_inputs([folder / "0.wav", folder / "sub"], data.schema)
    assert names[:2] == [str(folder / "0.wav"), str(folder / "sub" / "1.wav")]
    assert len(examples) == len(names) == 11


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0.wav", "expected a file, a tab and its text, got 0 tabs"),
        ("0.wav\t ", "expected a file, a tab and its text"),
        ("nowhere.wav\tyes", r"nowhere\.wav: expected a WAV file, got no such file"),
        ("0.wav\t" + "ab" * 12 + "aa", r"0\.wav: expected 27 steps or more, for 26 letters, got 25 steps of sound"),
    ],
)
def test_lines_that_are_no_recording(line: str, said: str, folder: Path) -> None:
    (folder / "texts.tsv").write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        catalog.load(str(folder))


def test_one_table(folder: Path) -> None:
    (folder / "texts.tsv").write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="at least one recording"):
        catalog.load(str(folder))
    (folder / "others.tsv").write_text("0.wav\ta", encoding="utf-8")
    with pytest.raises(DataError, match=r"expected one \.tsv file of file names and texts, got 2"):
        catalog.load(str(folder))


def test_a_folder_without_sound(folder: Path) -> None:
    schema = catalog.load(str(folder)).schema
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="expected WAV files, got a folder without any"):
        read_inputs([folder / "empty"], schema)


def test_spoken_prompts_are_there() -> None:
    data = spoken_prompts()
    assert sum(data.counts().values()) == 365
    letters = data.schema.target.categories
    assert letters == ("<blank>", " ", "'", *"abcdefghijklmnopqrstuvwxyz")
    parts = []
    for part in (data.train, data.validation, data.test):
        batch = part.gather(torch.arange(len(part)))
        parts.append({"".join(letters[k] for k in row if k >= 0) for row in batch.labels.tolist()})
        assert batch.inputs[1].min() >= 30
    train, validation, test = parts
    assert len(validation) == len(test) == 40
    assert not train & validation
    assert not (train | validation) & test
    assert "wednesday" in train | validation | test
