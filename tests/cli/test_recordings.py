"""From a folder of WAV files to what a run hears in another: high and low tones, called h and l."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from .conftest import called


def sung(path: Path, notes: str, rate: int) -> None:
    tones = [np.sin(2 * np.pi * (1500 if note == "h" else 400) * np.arange(rate // 12) / rate) for note in notes]
    gap = np.zeros(rate // 20)
    sound = np.concatenate([gap, *(part for tone in tones for part in (tone, gap))])
    wavfile.write(path, rate, (20_000 * sound).astype(np.int16))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sung")
    (folder / "sounds").mkdir()
    lines = []
    for k in range(32):
        notes = f"{k:05b}"[-1 - k % 5 :].replace("0", "l").replace("1", "h")
        sung(folder / "sounds" / f"{k}.wav", notes, 8000)
        lines.append(f"{k}.wav\t{notes}\n")
    (folder / "sounds" / "texts.tsv").write_text("".join(lines), encoding="utf-8")
    options = "--net.hidden 16 --net.layers 1 --epochs 45 --batch-size 8 --optimizer.lr 0.02 --threads 1 --device cpu"
    done = called(folder, "train", "spoken-words", "--data", "sounds", "--out", "run", *options.split())
    assert done.returncode == 0, done.stderr
    return folder


def test_what_is_heard_in_a_file_of_another_rate(runs: Path, tmp_path: Path) -> None:
    sung(tmp_path / "new.wav", "hhlhl", 16_000)
    assert (
        called(runs, "predict", "run", str(tmp_path / "new.wav"), "--out", str(tmp_path / "said.csv")).returncode == 0
    )
    rows = (tmp_path / "said.csv").read_text(encoding="utf-8").splitlines()
    assert rows == ["input,answer", f"{tmp_path / 'new.wav'},hhlhl"]
    page = (runs / "run" / "report.html").read_text(encoding="utf-8")
    assert "What is heard when" in page
    assert "recording.wav" in page


def test_no_sound(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "new.wav").write_bytes(b"hello")
    done = called(runs, "predict", "run", str(tmp_path / "new.wav"))
    assert done.returncode == 2
    assert "new.wav: expected a WAV file of PCM" in done.stderr
