"""What data, recipes, runs and scores say of themselves: short on the screen, a small table in a notebook."""

import dataclasses
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import neurarium
from neurarium.data.catalog import SOURCES
from neurarium.data.dataset import Dataset
from neurarium.learning.optimizers import Optimizer
from neurarium.recipes.catalog import RECIPES
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Metric, Scores
from neurarium.training import recipe as settings
from neurarium.training.recipe import Recipe

from .contract import real

LONGEST = 300


class Cells(HTMLParser):
    """The words of a table, cell by cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def cells(shown: Any) -> list[str]:
    """What a notebook shows."""
    html = shown._repr_html_()
    assert html.startswith("<table>")
    assert html.endswith("</table>")
    return Cells(html).words


@pytest.mark.parametrize("name", SOURCES)
def test_data_of_every_kind_are_a_line(name: str) -> None:
    data = real(name)
    if data is None:
        pytest.skip("its files are not here")
    assert repr(data).startswith(f"Dataset('{name}': {len(data.train):,} train, ")
    assert repr(data.train).startswith(f"{type(data.train).__name__}({len(data.train):,} examples: ")
    batch = data.train.gather(torch.arange(2))
    assert repr(batch).startswith("Batch(2 examples: ")
    for shown in (data, data.train, batch):
        assert len(repr(shown)) < LONGEST
        assert "tensor" not in repr(shown)
        assert "\n" not in repr(shown)
    assert all(field in cells(data) for field in data.schema.fields)


def test_they_name_fields_shapes_lengths_and_classes(series: Dataset, vectors: Dataset) -> None:
    lengths = series.train.sizes()
    assert f"time {int(lengths.min())} to {int(lengths.max())})" in repr(series.train)
    assert all(field in repr(series) for field in series.schema.fields)
    assert ", ".join(vectors.schema.classes) in cells(vectors)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_what_makes_it_again(name: str) -> None:
    recipe = RECIPES[name]()
    names = {type(value).__name__: type(value) for value in vars(recipe).values()} | vars(settings)
    assert eval(repr(recipe), names) == recipe
    assert len(repr(recipe)) < 2 * LONGEST
    assert cells(recipe)[0] == f"Recipe {name}"
    assert "net.kind" in cells(recipe)


def test_a_recipe_says_only_what_is_not_usual() -> None:
    assert repr(Recipe(epochs=3, optimizer=Optimizer(lr=0.1))) == "Recipe(optimizer=Optimizer(lr=0.1), epochs=3)"


def test_scores_say_their_metrics() -> None:
    accuracy = Metric("accuracy", 0.886, "right answers", "%", baseline=0.1, against="chance", interval=(0.855, 0.911))
    scores = Scores("classification", "test", "<toy>", 1500, 0.1, (accuracy, Metric("RMSE", 53.21987, "error")))
    assert repr(scores) == "Scores(classification of 1,500 test examples of <toy>: accuracy 88.6 %, RMSE 53.22)"
    assert cells(scores)[1:] == [
        "accuracy", "88.6 % (95 % interval 85.5 % to 91.1 %); chance: 10.0 %", "RMSE", "53.22"
    ]  # fmt: skip
    assert "<toy>" not in scores._repr_html_()
    assert "not judged" in repr(dataclasses.replace(scores, metrics=()))


def test_predictions_say_the_first_answers() -> None:
    numbers = Prediction(("a", "b"), np.arange(12.0).reshape(6, 2))
    assert repr(numbers) == "Prediction(6 answers: 0, 1; 2, 3; 4, 5; 6, 7; 8, 9; …)"
    assert repr(Prediction(("a",), np.ones((2, 1)), ("x", "y"))) == "Prediction(2 answers: x; y)"


def test_a_run_says_its_net_and_data(vectors: Dataset, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["mlp"](), epochs=1, threads=1, device="cpu")
    run = neurarium.train(recipe, data=vectors, out=tmp_path / "run", progress=False)
    count = sum(parameter.numel() for parameter in run.net.parameters())
    said = f"net mlp, parameters {count:,}, data {vectors.name}, device cpu"
    assert repr(run) == f"Run('{tmp_path / 'run'}': {said})"
    assert f"{count:,}" in cells(run)
