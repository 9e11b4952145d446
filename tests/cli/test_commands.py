"""Each command as a user types it, on a run made by the command line."""

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from neurarium.data.catalog import load as load_data

pytestmark = pytest.mark.usefixtures("undrawn")

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_run_folder_is_complete(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names >= {
        "config.toml", "data.json", "record.jsonl", "weights.safetensors", "weights.json", "best.safetensors",
        "best.json", "checkpoints", "curves.png", "confusion.png", "mistakes.png", "scores.json", "report.html",
    }  # fmt: skip
    scores = json.loads((finished / "scores.json").read_text())
    assert scores["examples"] == 500
    assert scores["accuracy"] > 0.7


def test_config_reproduces_the_run(flowers: Path, neurarium: Call, tmp_path: Path) -> None:
    result = neurarium("train", "--config", str(flowers / "config.toml"), "--out", "again")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "again/weights.safetensors").read_bytes() == (flowers / "weights.safetensors").read_bytes()


def test_config_is_laid_over_and_options_win(neurarium: Call, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("epochs = 3\nbatch_size = 500\n[net]\nhidden = [4]\n")
    result = neurarium("train", "mlp", "--data", "iris", "--config", "c.toml", "--epochs", "1", "--threads", "1")
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "runs/mlp-1/config.toml").read_text()
    assert "epochs = 1" in text
    assert "batch_size = 500" in text


def test_evaluate(finished: Path, neurarium: Call) -> None:
    result = neurarium("evaluate", str(finished))
    assert result.returncode == 0, result.stderr
    accuracy = json.loads((finished / "scores.json").read_text())["accuracy"]
    assert f"{500 * accuracy:.0f} of 500 right" in result.stdout


def test_predict_images_npz_and_csv_agree(finished: Path, neurarium: Call, tmp_path: Path) -> None:
    test = load_data("mnist-5k").test
    pixels = np.asarray(test.inputs[0][:4])
    (tmp_path / "images").mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray(image[0]).save(tmp_path / "images" / f"{i}.png")
    np.savez(tmp_path / "x.npz", x=pixels)
    np.savetxt(tmp_path / "x.csv", pixels.reshape(4, -1), fmt="%d", delimiter=",")
    answers = []
    for source in ("images", "x.npz", "x.csv"):
        result = neurarium("predict", str(finished), source, "--out", f"{source}.out.csv")
        assert result.returncode == 0, result.stderr
        rows = list(csv.DictReader(io.StringIO((tmp_path / f"{source}.out.csv").read_text())))
        answers.append([(row["label"], row["confidence"]) for row in rows])
        assert all(sum(float(row[f"p({k})"]) for k in range(10)) == pytest.approx(1, abs=1e-4) for row in rows)
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]) == 4


def test_fast_prediction_says_how_and_has_the_same_labels(finished: Path, neurarium: Call, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.asarray(load_data("mnist-5k").test.inputs[0][:40]))
    labels = []
    for name, more in (("plain.csv", ()), ("fast.csv", ("--fast",))):
        result = neurarium("predict", str(finished), "x.npz", "--out", name, *more)
        assert result.returncode == 0, result.stderr
        assert ("channels-last" in result.stderr) == bool(more)
        labels.append([row["label"] for row in csv.DictReader(io.StringIO((tmp_path / name).read_text()))])
    assert len(labels[0]) == 40
    assert labels[0] == labels[1]


def test_predict_on_the_screen(finished: Path, neurarium: Call, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((60, 40), dtype=np.uint8)).save(tmp_path / "a.png")
    result = neurarium("predict", str(finished), "a.png", "--top", "2", "--invert")
    assert result.returncode == 0, result.stderr
    assert "a.png" in result.stdout


@pytest.mark.parametrize("name", ["lenet5", "mlp", "lenet5-1998"])
def test_show_a_net(neurarium: Call, name: str) -> None:
    result = neurarium("show", name)
    assert result.returncode == 0, result.stderr
    assert {"lenet5": "61,706", "mlp": "269,322", "lenet5-1998": "60,000"}[name] in result.stdout


def test_show_a_run(finished: Path, neurarium: Call) -> None:
    result = neurarium("show", str(finished))
    assert result.returncode == 0, result.stderr
    assert f"{784 * 32 + 32 + 32 * 10 + 10:,}" in result.stdout


def test_compare(finished: Path, flowers: Path, neurarium: Call, tmp_path: Path) -> None:
    result = neurarium("compare", str(finished), str(flowers))
    assert result.returncode == 0, result.stderr
    assert "hidden" in result.stdout
    with Image.open(tmp_path / "compare.png") as image:
        assert image.width > 400


def test_export(finished: Path, neurarium: Call) -> None:
    out = neurarium("export", str(finished), "--to", "safetensors", "--out", "m.safetensors")
    assert out.returncode == 0, out.stderr
    assert "m.safetensors" in out.stdout


def test_resume_of_a_finished_run_says_how_to_go_on(finished: Path, neurarium: Call) -> None:
    result = neurarium("resume", str(finished))
    assert result.returncode == 2
    assert "--epochs 4" in result.stderr


MISTAKES = {
    "unknown recipe": (["train", "lenet"], "did you mean lenet5"),
    "unknown data set": (["train", "mlp", "--data", "mnist5k"], "did you mean mnist-5k"),
    "missing file": (["train", "mlp", "--data", "absent.csv"], "absent.csv"),
    "unknown option": (["train", "mlp", "--epoch", "3"], "--epochs"),
    "mistyped value": (["train", "mlp", "--epochs", "many"], "--epochs"),
    "value out of range": (["train", "mlp", "--epochs", "0"], "integer >= 1"),
    "nested value out of range": (["train", "mlp", "--optimizer.lr", "-1"], "optimizer.lr"),
    "no GPU": (["train", "mlp", "--device", "cuda"], "--device cpu"),
    "missing config": (["train", "mlp", "--config", "absent.toml"], "absent.toml"),
    "no run": (["evaluate", "absent"], "no such folder"),
    "folder without run": (["resume", "."], "config.toml"),
    "one run to compare": (["compare", "a"], "two run folders"),
    "unknown net": (["show", "lenett"], "did you mean lenet5"),
    "unknown activation": (["train", "mlp", "--net.activation", "relo"], "relu"),
    "no command": (["frobnicate"], "train"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistake_is_one_clear_message(neurarium: Call, tmp_path: Path, kind: str) -> None:
    if kind == "no GPU" and torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    arguments, says = MISTAKES[kind]
    result = neurarium(*arguments)
    assert result.returncode == 2
    assert says in result.stderr + result.stdout
    assert "Traceback" not in result.stderr + result.stdout
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_corrupt_run_folder(finished: Path, neurarium: Call, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(finished, tmp_path / "r")
    (tmp_path / "r/config.toml").write_text("epochs = [")
    result = neurarium("evaluate", "r")
    assert result.returncode == 2
    assert "config.toml" in result.stderr
    shutil.copy(finished / "config.toml", tmp_path / "r/config.toml")
    (tmp_path / "r/data.json").write_text("{")
    result = neurarium("evaluate", "r")
    assert (result.returncode, "data.json" in result.stderr) == (2, True)


def test_damaged_weights_fall_back_to_the_checkpoint_and_say_so(
    finished: Path, neurarium: Call, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(finished, tmp_path / "r")
    content = bytearray((tmp_path / "r/weights.safetensors").read_bytes())
    content[-3] ^= 4
    (tmp_path / "r/weights.safetensors").write_bytes(content)
    result = neurarium("evaluate", "r")
    assert result.returncode == 0, result.stderr
    assert "note: " in result.stderr
    assert "checksum" in result.stderr


def test_read_only_and_full_disk(neurarium: Call, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    result = neurarium("train", "mlp", "--epochs", "1", "--out", "blocked/run", "--threads", "1")
    assert result.returncode == 2
    assert "blocked" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_update_that_overflows_ends_the_run_as_a_divergence_does(neurarium: Call, tmp_path: Path) -> None:
    result = neurarium(
        "train", "mlp", "--data", "iris", "--net.hidden", "8", "--optimizer.lr", "1e38", "--epochs", "1",
        "--batch-size", "1000", "--threads", "1", "--quiet", "--optimizer.weight-decay", "0",
    )  # fmt: skip
    assert result.returncode == 3
    assert "after step 1: expected finite numbers" in result.stderr
    assert not (tmp_path / "runs/mlp-1/weights.json").exists()


def test_report_makes_anew_what_is_missing(neurarium: Call, flowers: Path, tmp_path: Path) -> None:
    run = shutil.copytree(flowers, tmp_path / "run")
    (run / "report.html").unlink()
    assert neurarium("report", "run").returncode == 0
    assert (run / "report.html").exists()
    assert neurarium("report", "absent").returncode == 2
