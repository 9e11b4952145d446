"""`neurarium predict` on runs of every kind, and what its rows are."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from neurarium import api
from neurarium.cli.main import main
from neurarium.cli.predict_command import as_csv
from neurarium.data.dataset import Dataset
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, GANSpec
from neurarium.nets.geometric.specs import PairPotentialSpec
from neurarium.nets.recurrent.encoder_decoder_spec import EncoderDecoderSpec
from neurarium.nets.recurrent.specs import BagOfTokensSpec, NeuralLanguageModelSpec
from neurarium.nets.spec import NetSpec
from neurarium.tasks.prediction import Prediction
from neurarium.training.recipe import Recipe
from neurarium.training.seed import own_generators
from neurarium.training.session import start

pytestmark = pytest.mark.usefixtures("undrawn")


def trained(folder: Path, net: NetSpec, data: Dataset) -> Path:
    recipe = Recipe(net=net, epochs=1, batch_size=20, threads=1, device="cpu")
    with own_generators():
        list(start(recipe, folder / "run", data).events())
    return folder / "run"


def answers(folder: Path, *arguments: str | Path) -> list[dict[str, str]]:
    out = folder / "answers.csv"
    assert main(["predict", *map(str, arguments), "--out", str(out)]) == 0
    return list(csv.DictReader(io.StringIO(out.read_text())))


def read(prediction: Prediction, *names: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(names, prediction))))


def test_rows_of_a_file_by_kind_of_answer() -> None:
    half = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])
    classes = Prediction(("no", "yes"), half[:2], ("yes", "no"))
    assert read(classes, "a", "b") == [
        ["input", "label", "confidence", "p(no)", "p(yes)"],
        ["a", "yes", "0.750000", "0.250000", "0.750000"],
        ["b", "no", "1.000000", "1.000000", "0.000000"],
    ]
    numbers = Prediction(("x", "y"), np.array([[123456.5, -0.5]]))
    assert read(numbers, "a") == [["input", "x", "y"], ["a", "123456.5", "-0.5"]]
    assert read(Prediction((), np.zeros((2, 0)), ("one, two", "")), "a", "b") == [
        ["input", "answer"], ["a", "one, two"], ["b", ""],
    ]  # fmt: skip
    steps = Prediction(("no", "yes"), half, ("yes", "no", "no"), counts=(2, 1))
    assert [row[:2] for row in read(steps, "f[0]", "f[1]")[1:]] == [
        ["f[0], 0", "yes"],
        ["f[0], 1", "no"],
        ["f[1], 0", "no"],
    ]
    # a row a molecule, though its forces are a row an atom
    energies = Prediction(("energy",), np.array([[1.5], [2.0]]), counts=(3, 4), others={"forces": np.zeros((7, 3))})
    assert read(energies, "a", "b")[1:] == [["a", "1.5"], ["b", "2"]]


def test_a_line_of_text_is_an_example(tokens: Dataset, tmp_path: Path) -> None:
    run = trained(tmp_path, BagOfTokensSpec(embedding_dim=4, hidden=8), tokens)
    (tmp_path / "words.txt").write_text("abc\n\nlll\n")
    rows = answers(tmp_path, run, tmp_path / "words.txt")
    assert [row["input"] for row in rows] == [f"{tmp_path}/words.txt[{k}]" for k in (0, 1)]
    assert [set(row) for row in rows] == [{"input", "label", "confidence", "p(early)", "p(late)"}] * 2
    assert rows[0]["label"] == max(("early", "late"), key=lambda name: float(rows[0][f"p({name})"]))


def test_a_window_has_an_answer_for_each_place(
    windows: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run = trained(tmp_path, NeuralLanguageModelSpec(context=3, embedding_dim=4, hidden=8), windows)
    (tmp_path / "t.txt").write_text("abcdeabc\nddcdeabcde\n")
    rows = answers(tmp_path, run, tmp_path / "t.txt")
    assert [row["input"].rpartition("/")[2] for row in rows] == [
        f"t.txt[{k}], {place}" for k in (0, 1) for place in range(8)
    ]
    assert {row["label"] for row in rows} <= set("abcde")
    capsys.readouterr()
    assert main(["predict", str(run), str(tmp_path / "t.txt"), "--top", "2"]) == 0
    said = capsys.readouterr().out
    assert "t.txt[1], 7" in said
    assert said.count("%") == 32


def test_a_text_is_answered_by_a_text(pairs: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(tmp_path, EncoderDecoderSpec(embedding_dim=4, hidden=8), pairs)
    (tmp_path / "t.txt").write_text("abc\nde\n")
    rows = answers(tmp_path, run, tmp_path / "t.txt")
    said = api.load(run).predict(pairs.test).labels
    assert [list(row) for row in rows] == [["input", "answer"]] * 2
    assert all(set(row["answer"]) <= set("ABCDE <start>") for row in rows)
    assert len(said) == 16
    assert main(["predict", str(run), str(tmp_path / "t.txt")]) == 0
    assert "answer" in capsys.readouterr().out


def test_dark_on_light_is_swapped(images: Dataset, tmp_path: Path) -> None:
    run = trained(tmp_path, MLPSpec(hidden=(8,)), images)
    pixels = images.test.inputs[0][:5].numpy()  # type: ignore[attr-defined]
    np.savez(tmp_path / "light.npz", x=pixels)
    np.savez(tmp_path / "dark.npz", x=255 - pixels)
    plain, swapped = (
        answers(tmp_path, run, tmp_path / name, *more)
        for name, more in (("light.npz", ()), ("dark.npz", ("--invert",)))
    )
    assert [row["p(class 0)"] for row in plain] == [row["p(class 0)"] for row in swapped]


def test_what_cannot_be_predicted(
    tokens: Dataset, vectors: Dataset, molecules: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 12)))
    (tmp_path / "t.txt").write_text("abc\n")

    def refused(name: str, net: NetSpec, data: Dataset, file: str, *more: str) -> str:
        run = trained(tmp_path / name, net, data)
        capsys.readouterr()
        assert main(["predict", str(run), str(tmp_path / file), *more]) == 2
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1
        return said

    mlp, bag = MLPSpec(hidden=(4,)), BagOfTokensSpec(embedding_dim=4, hidden=4)
    assert "invert: expected a net for images" in refused("a", mlp, vectors, "x.npz", "--invert")
    assert "invert: expected a net for images" in refused("b", bag, tokens, "t.txt", "--invert")
    assert "fast inference input: expected one tensor of numbers" in refused("c", bag, tokens, "t.txt", "--fast")
    assert "got a net for reconstruction" in refused("d", AutoencoderSpec(hidden=(), latent_dim=2), vectors, "x.npz")
    assert "got a net for generation" in refused("e", GANSpec(latent_dim=2, hidden=(4,)), vectors, "x.npz")
    assert "run.predict(examples)" in refused("f", PairPotentialSpec(), molecules, "x.npz")


def test_commands_that_need_the_data_say_that_they_were_in_memory(
    vectors: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(tmp_path, MLPSpec(hidden=(4,)), vectors)
    for command in (["evaluate", str(run)], ["trace", str(run), "--out", str(tmp_path)]):
        capsys.readouterr()
        assert main(command) == 2
        assert "data that were in memory when the run learned from them" in capsys.readouterr().err
