"""Every command of the command line on every kind of example: it works, or says in one sentence why not."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import neurarium
from neurarium.checks import ConfigError
from neurarium.cli.main import COMMANDS, main
from neurarium.data.columns import Columns
from neurarium.data.examples import Examples
from neurarium.recipes.catalog import RECIPES
from neurarium.record.schema import Schema
from neurarium.tasks.task import Task
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run

from .contract import few, real


def kind_of(recipe: Recipe) -> tuple[Any, ...]:
    """What tells kinds of runs apart: the shapes and the nature of all fields, and what is asked of the net."""
    data = real(recipe.data)
    schema = recipe.net.example() if data is None else data.schema
    fields = [(len(f.shape), f.is_ragged, bool(f.categories), bool(f.points_to)) for f in schema.fields.values()]
    return (*fields, recipe.net.task, recipe.net.rule)


def one_of_each_kind() -> dict[str, Recipe]:
    """The first recipe of each kind."""
    found: dict[tuple[Any, ...], Recipe] = {}
    for make in RECIPES.values():
        recipe = make()
        if not recipe.pretrained:
            found.setdefault(kind_of(recipe), recipe)
    return {recipe.name: dataclasses.replace(recipe, threads=1, device="cpu") for recipe in found.values()}


pytestmark = pytest.mark.more
KINDS = one_of_each_kind()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of each kind, trained for an epoch on a few examples."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: neurarium.train(
            dataclasses.replace(recipe, epochs=1),
            data=few(recipe, (60, 20, 20)),
            out=folder / name,
            progress=False,
        )
        for name, recipe in KINDS.items()
    }


def arguments(verb: str, run: Run, folder: Path) -> list[str]:
    """How a command is called on a run."""
    where, file = str(run.folder), folder / "inputs.npz"
    schema: Schema = run.schema
    shape = [size or 5 for size in schema.input.shape]
    np.savez(file, x=np.zeros((2, *shape), dtype=np.float32))
    given = {
        "train": [run.recipe.name, "--epochs", "0"],
        "resume": [where, "--quiet"],
        "report": [where],
        "evaluate": [where, "--split", "validation"],
        "predict": [where, str(file), "--out", str(folder / "answers.csv")],
        "translate": [where, "abc"],
        "sample": [where, "--count", "2", "--steps", "2", "--out", str(folder / "samples.npz")],
        "list": [],
        "show": [where],
        "trace": [where, "--examples", "8", "--out", str(folder)],
        "find-rate": [run.recipe.name, "--steps", "3", "--out", str(folder / "rates.png")],
        "sweep": [run.recipe.name, "--epochs", "0"],
        "compare": [where, where, "--out", str(folder / "compare.png")],
        "export": [where, "--to", "torch-export", "--out", str(folder / "model.pt2")],
    }
    assert given.keys() == COMMANDS.keys()
    return [verb, *given[verb]]


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("name", KINDS)
def test_works_or_says_why_not(
    name: str, verb: str, runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments(verb, runs[name], tmp_path))
    said = capsys.readouterr().err
    if code == 0:
        assert "Traceback" not in said
        return
    assert code == 2
    assert said.startswith(("error: ", "╭")), said
    assert "expected" in said or "╭" in said
    assert len(said.strip().splitlines()) == 1 or "╭" in said


@pytest.mark.parametrize("name", KINDS)
def test_python_works_or_says_why_not(name: str, runs: dict[str, Run], tmp_path: Path) -> None:
    run, data = runs[name], few(KINDS[name], (60, 20, 20))
    assert (run.folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert run.evaluate(data).metrics or run.recipe.net.task == "generation"
    examples = data.test.select(torch.arange(4))
    if type(run.task()).predict is Task.predict:
        with pytest.raises(ConfigError, match="expected a net that predicts"):
            run.predict(unlabeled(examples))
    else:
        prediction = run.predict(unlabeled(examples))
        assert len(prediction) >= 4
        assert np.isfinite(prediction.values).all()
    path = neurarium.export(run, "safetensors", tmp_path / "weights.safetensors")
    assert path.stat().st_size > 0
    again = neurarium.load(run.folder)
    assert again.schema == run.schema


def unlabeled(examples: Examples) -> Examples:
    """Examples of any kind as they come without their targets."""
    schema = Schema(examples.schema.inputs)
    if not isinstance(examples, Columns):
        return examples
    axes = {field.axis for field in schema.inputs.values() if field.is_ragged}
    lengths = {axis: counts for axis, counts in examples.lengths.items() if axis in axes}
    return type(examples)({name: examples.columns[name] for name in schema.inputs}, lengths, schema)
