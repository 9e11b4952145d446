"""`neurarium variance`, called as the command line calls it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from matplotlib import image

import neurarium
from neurarium.checks import ConfigError
from neurarium.cli import variance_command
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import image_schema
from neurarium.training.seed import own_generators
from neurarium.training.session import start


def test_a_recipe(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    out = tmp_path / "sizes.png"
    assert variance_command.run(["mlp", "--examples", "100", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    for layer in ("linear1", "relu1", "dropout2", "linear3"):
        assert layer in said
    # the weights with which training begins, by hand
    with own_generators():
        torch.manual_seed(0)
        layer = MLPSpec(hidden=(256, 256)).build(image_schema()).layers.linear1
    data = neurarium.load_data("mnist-5k").train
    x = data.gather(torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:100]).x.flatten(1)
    assert f"{(x @ layer.weight.detach().T).square().mean().item():.2f}" in said
    assert image.imread(out).ndim == 3


def test_a_run(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    plan = replace(neurarium.recipe("mlp"), net=MLPSpec(hidden=(8,)), epochs=1, batch_size=500, threads=1)
    data = neurarium.load_data("mnist-5k")
    with own_generators():
        list(start(plan, tmp_path / "run", data).events())
    assert variance_command.run([str(tmp_path / "run"), "--out", str(tmp_path / "v.png")]) == 0
    # scaled as in training, the trained weights: the first layer by hand
    chosen = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))[:256]
    x = data.train.gather(chosen).x.flatten(1)
    layer = neurarium.load(tmp_path / "run").net.layers.linear1
    mean_square = (x @ layer.weight.detach().T + layer.bias.detach()).square().mean().item()
    assert f"{mean_square:.2f}" in capsys.readouterr().out


def test_a_net_of_several_inputs(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert variance_command.run(["spelled-numbers", "--examples", "20", "--out", str(tmp_path / "v.png")]) == 0
    said = capsys.readouterr().out
    for layer in ("source_embedding", "target_embedding", "start", "output"):
        assert layer in said


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="recipe or run folder"):
        variance_command.run(["mlpp"])
    with pytest.raises(ConfigError, match="examples"):
        variance_command.run(["mlp", "--examples", "0"])
