"""From a folder of WAV files to what a run hears in another: high and low tones, called h and l."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from neurarium import api
from neurarium.data import catalog

from .conftest import called

pytestmark = pytest.mark.usefixtures("undrawn")


def sung(path: Path, notes: str, rate: int) -> None:
    tones = [np.sin(2 * np.pi * (1500 if note == "h" else 400) * np.arange(rate // 8) / rate) for note in notes]
    gap = np.zeros(rate // 16)
    sound = np.concatenate([gap, *(part for tone in tones for part in (tone, gap))])
    wavfile.write(path, rate, (20_000 * sound).astype(np.int16))


def trained(folder: Path, epochs: int) -> Path:
    (folder / "sounds").mkdir()
    lines = []
    for k in range(32):
        notes = f"{k:05b}"[-1 - k % 5 :].replace("0", "l").replace("1", "h")
        sung(folder / "sounds" / f"{k}.wav", notes, 8000)
        lines.append(f"{k}.wav\t{notes}\n")
    (folder / "sounds" / "texts.tsv").write_text("".join(lines), encoding="utf-8")
    options = f"--net.hidden 12 --net.layers 1 --epochs {epochs} --batch-size 8 --optimizer.lr 0.02 --threads 1"
    done = called(
        folder, "train", "spoken-words", "--data", "sounds", "--out", "run", "--device", "cpu", *options.split()
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("sung"), epochs=4)


def test_a_file_is_heard_as_it_is_in_the_data(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "said.csv"
    assert called(runs, "predict", "run", "sounds", "--out", str(out)).returncode == 0
    rows = dict(line.split(",") for line in out.read_text(encoding="utf-8").splitlines()[1:])
    data = catalog.load(str(runs / "sounds"))
    said = api.load(runs / "run").predict(data.test).labels
    batch = data.test.gather(torch.arange(len(data.test)))
    texts = ["".join(data.schema.target.categories[k] for k in row if k >= 0) for row in batch.labels.tolist()]
    names = {line.split("\t")[1]: line.split("\t")[0] for line in (runs / "sounds/texts.tsv").read_text().splitlines()}
    assert len(rows) == 32
    assert any(said)
    assert [rows[f"sounds/{names[text]}"] for text in texts] == list(said)
    page = (runs / "run" / "report.html").read_text(encoding="utf-8")
    assert "What is heard when" in page
    assert "recording.wav" in page


def test_no_sound(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "new.wav").write_bytes(b"hello")
    done = called(runs, "predict", "run", str(tmp_path / "new.wav"))
    assert done.returncode == 2
    assert "new.wav: expected a WAV file of PCM" in done.stderr


@pytest.mark.more
def test_what_is_sung_at_another_rate_is_heard(tmp_path: Path) -> None:
    trained(tmp_path, epochs=45)
    sung(tmp_path / "new.wav", "hhlhl", 16_000)
    assert called(tmp_path, "predict", "run", "new.wav", "--out", "said.csv").returncode == 0
    assert (tmp_path / "said.csv").read_text(encoding="utf-8").splitlines() == ["input,answer", "new.wav,hhlhl"]
