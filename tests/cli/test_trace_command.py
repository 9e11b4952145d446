"""`neurarium trace` in this process, on a run made by the command line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from neurarium import api
from neurarium.checks import ConfigError, DataError
from neurarium.cli.trace_command import run
from neurarium.learning.backprop.worked_example import worked_example_text
from neurarium.learning.loss import Loss
from neurarium.training.seed import own_generators, seed_everything

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def test_a_run_gets_its_trace_and_picture(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(finished, tmp_path / "mine")
    assert run([str(folder), "--examples", "50", "--mode", "evaluation"]) == 0
    found = json.loads((folder / "trace.json").read_text())
    assert found["examples"] == 50
    assert not found["training"]
    assert [entry["kind"] for entry in found["layers"]] == ["Linear", "ReLU", "Dropout", "Linear"]
    # the loss again, of the trained weights on the same examples
    trained, data = api.load(folder), api.load_data("mnist-5k")
    rows = torch.linspace(0, len(data.train) - 1, 50).long()
    batch = data.train.with_schema(trained.schema).gather(rows)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(trained.net(batch.x), batch.labels)
    assert found["loss"] == pytest.approx(float(loss), rel=1e-5)
    with Image.open(folder / "trace.png") as image:
        assert image.size[0] > 1000
    printed = capsys.readouterr().out
    assert "layers.linear1" in printed
    assert "On its way back the error signal" in printed


def test_a_recipe_gets_a_fresh_net_of_its_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, name in enumerate(("first", "second")):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        command = ["mlp", "--out", name, "--layers", "linear2", "relu1", "--singular-values", "2", "--examples", "16"]
        assert run(command) == 0
    found = json.loads(Path("first/trace.json").read_text())
    assert found == json.loads(Path("second/trace.json").read_text())
    assert [entry["name"] for entry in found["layers"]] == ["layers.relu1", "layers.linear2"]
    assert [len(entry["singular_values"]) for entry in found["layers"]] == [2, 2]
    assert found["update"] == "one step of AdamW"
    assert torch.equal(state, torch.get_rng_state())
    assert "first/trace.png" in capsys.readouterr().out


@pytest.mark.more
def test_a_students_error_comes_from_its_own_loss(finished: Path, tmp_path: Path) -> None:
    loss = Loss("distillation", temperature=4.0, alpha=0.9, smoothing=0.1)
    plan = replace(api.recipe("distilled-mlp"), pretrained=str(finished), loss=loss, epochs=1, batch_size=500)
    student = api.train(plan, out=tmp_path / "student", progress=False)
    assert run([str(student.folder), "--examples", "20", "--mode", "evaluation"]) == 0
    data = api.load_data("mnist-5k")
    batch = data.train.gather(torch.linspace(0, len(data.train) - 1, 20).long())
    with torch.no_grad():
        F, G = api.load(finished).net(batch.x), student.net(batch.x)
    soft = -16 * ((F / 4).softmax(1) * (G / 4).log_softmax(1)).sum(1).mean()
    hard = torch.nn.functional.cross_entropy(G, batch.labels, label_smoothing=0.1)
    found = json.loads((student.folder / "trace.json").read_text())
    assert found["loss"] == pytest.approx(float(0.9 * soft + 0.1 * hard), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "last"), [("vowels", [9]), ("genesis-lm", [64, 61]), ("rings-gin", [2]), ("ethanol-pairs", [])]
)
def test_nets_of_every_kind_of_examples(name: str, last: list[int]) -> None:
    assert run([name, "--examples", "6"]) == 0
    found = json.loads(Path("trace.json").read_text())
    assert found["examples"] == 6
    assert found["layers"][-1]["output_shape"] == last
    assert found["layers"][-1]["error_norm"] > 0


def test_a_translator_is_called_as_in_training() -> None:
    assert run(["spelled-numbers", "--examples", "5", "--mode", "evaluation"]) == 0
    found = json.loads(Path("trace.json").read_text())
    data, recipe = api.load_data("spelled-numbers"), api.recipe("spelled-numbers")
    with own_generators():
        seed_everything(recipe.seed)
        net = api.fresh_net(recipe, data.schema).eval()
    batch = data.train.gather(torch.linspace(0, len(data.train) - 1, 5).long())
    with torch.no_grad():
        logits = net(batch.x, batch.labels[:, :-1].clamp(min=0), *batch.inputs[1:])
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.labels[:, 1:].flatten(), ignore_index=-1)
    assert found["loss"] == pytest.approx(float(loss), rel=1e-5)
    assert {"encoder", "decoder.0"} <= {entry["name"] for entry in found["layers"]}


@pytest.mark.parametrize(("name", "task"), [("rbm", "density"), ("gan", "generation"), ("hopfield", "recall")])
def test_nets_without_a_loss_of_their_outputs_are_refused(name: str, task: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: expected a net whose outputs have a loss.* a net for {task}"):
        run([name])


@pytest.mark.parametrize("name", ["distilled-mlp", "bottleneck-features"])
def test_a_recipe_that_stands_on_an_untrained_one(name: str) -> None:
    assert run([name, "--examples", "10"]) == 0
    found = json.loads(Path("trace.json").read_text())
    assert found["layers"][-1]["output_shape"] == [10]
    assert found["layers"][-1]["gradient_norm"] > 0


def test_the_worked_example_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--step", "003"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == worked_example_text().rstrip("\n")
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name: expected a recipe or run folder"),
        (["mpl"], "did you mean mlp"),
        (["mlp", "--layers", "fc9"], "layers: expected names of layers"),
        (["mlp", "--examples", "0"], "examples: expected an integer"),
    ],
)
def test_mistakes_are_explained(arguments: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        run(arguments)


def test_data_of_another_shape_are_refused(finished: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    np.savez(tmp_path / "other.npz", x=x, y=np.arange(40) % 4)
    with pytest.raises(DataError, match="expected examples like those it learned from"):
        run([str(finished), "--data", "other.npz"])
