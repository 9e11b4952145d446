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
from neurarium.nets.connectionist.associative_memory import make_memory
from neurarium.nets.summary import summarize
from neurarium.recipes.catalog import RECIPES
from neurarium.record.schema import Field
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Metric, Scores
from neurarium.training import recipe as settings
from neurarium.training.data_info import DataInfo
from neurarium.training.recipe import Recipe

from .contract import real

pytestmark = pytest.mark.usefixtures("undrawn")

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
    assert repr(data.schema) == f"Schema({data.schema.in_words()})"
    for shown in (data, data.schema, DataInfo("<toy>", data.schema, data.counts(), "", "", "")):
        assert "\n" not in repr(shown)
        assert len(repr(shown)) < LONGEST
        assert all(field in cells(shown) for field in data.schema.fields)


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
    named = Prediction(("a",), np.ones((2, 1)), ("x", "y"))
    assert repr(named) == "Prediction(2 answers: x; y)"
    assert cells(named) == ["2 answers", "answer", "a", "0", "x", "1", "1", "y", "1"]
    assert cells(numbers)[:6] == ["6 answers, the first 5", "a", "b", "0", "0", "1"]
    many = Prediction(tuple(map(str, range(99))), np.ones((9, 99)))
    assert len(repr(many)) < LONGEST
    assert len(cells(many)) < LONGEST


def test_tables_of_numbers_are_a_line() -> None:
    memory = make_memory(torch.tensor([[1.0, -1.0, 1.0, 1.0]]), "hebbian")
    found = memory.recall(torch.tensor([[1.0, -1.0, 1.0, -1.0]]), trace=True)
    assert repr(found) == "Retrieval(1 probes: 1 fixed, 0 in a cycle)"
    assert repr(found.trace).startswith("RecallTrace(1 probes, ")
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    traced = neurarium.trace(net, torch.ones(5, 2), torch.ones(5, 1), loss=torch.nn.functional.mse_loss)
    assert repr(traced).startswith("Trace(3 layers, 5 examples: loss ")


def test_a_summary_is_a_line_and_a_table_of_its_layers() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
    net[0].bias.requires_grad_(False)
    summary = summarize(net, (4,))
    assert repr(summary) == "Summary(2 rows: 23 parameters (20 trainable), 18 multiply-adds)"
    table = cells(summary)
    assert table[1:6] == ["layer", "kind", "output", "parameters", "multiply-adds"]
    assert table[6:] == ["0", "Linear", "3", "15", "12", "1", "Linear", "2", "8", "6"]


def test_a_field_says_only_what_is_not_usual_and_elides_long_lists() -> None:
    assert eval(repr(Field((None, 3), axis="atoms"))) == Field((None, 3), axis="atoms")
    words = Field((), categories=tuple("abcdefgh"), encoder="x", constants={"words": list(range(1000))})
    assert repr(words) == "Field(shape=(), categories=('a', 'b', 'c', ..., 'h'), encoder='x', constants={'words': ...})"


def test_a_run_says_its_net_and_data(vectors: Dataset, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["mlp"](), epochs=1, threads=1, device="cpu")
    run = neurarium.train(recipe, data=vectors, out=tmp_path / "run", progress=False)
    count = sum(parameter.numel() for parameter in run.net.parameters())
    said = f"net mlp, parameters {count:,}, data {vectors.name}, device cpu"
    assert repr(run) == f"Run('{tmp_path / 'run'}': {said})"
    assert f"{count:,}" in cells(run)
