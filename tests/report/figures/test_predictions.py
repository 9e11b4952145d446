from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.data.assemble import assemble
from neurarium.data.table import Table
from neurarium.nets.feedforward.regression_specs import LinearSpec
from neurarium.record.schema import Field, Schema
from neurarium.report.figures.predictions import FIGURE, regression_figure
from neurarium.report.plotting import png

from .conftest import MakeRun


def drawn(outputs: int, examples: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    targets = 50 + 20 * random.normal(size=(examples, outputs))
    return targets + 5 * random.normal(size=(examples, outputs)), targets


def test_points_line_and_what_is_left_over() -> None:
    answers, targets = drawn(2)
    figure = regression_figure(answers, targets, ["price", "age"])
    assert len(figure.axes) == 4
    for k, name in enumerate(("price", "age")):
        left, right = figure.axes[2 * k : 2 * k + 2]
        assert left.get_title(loc="left") == name
        assert (left.get_xlabel(), left.get_ylabel()) == ("true value", "prediction")
        np.testing.assert_allclose(left.collections[0].get_offsets(), np.stack([targets, answers], 2)[:, k], rtol=1e-6)
        line = left.get_lines()[0]
        np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
        ends = np.concatenate([answers[:, k], targets[:, k]])
        assert line.get_xdata() == pytest.approx([ends.min(), ends.max()])
        bars = right.patches
        assert sum(bar.get_height() for bar in bars) == 40
        rest = (answers - targets)[:, k]
        edges = [bar.get_x() for bar in bars] + [bars[-1].get_x() + bars[-1].get_width()]
        np.testing.assert_array_equal([bar.get_height() for bar in bars], np.histogram(rest, edges)[0])
        assert edges[0] == pytest.approx(rest.min())
    assert png(figure).startswith(b"\x89PNG")


def test_six_outputs_at_most() -> None:
    answers, targets = drawn(8, 12)
    figure = regression_figure(answers, targets, [f"y{k}" for k in range(8)])
    assert [axes.get_title(loc="left") for axes in figure.axes[::2]] == [f"y{k}" for k in range(6)]


def test_many_points_are_cut_short() -> None:
    answers, targets = drawn(1, 4000)
    assert len(regression_figure(answers, targets, ["y"]).axes[0].collections[0].get_offsets()) == 3000


@pytest.mark.parametrize("name", [r"$\nonsense{$", "US$ per US$", "a_b^c", ""])
def test_a_name_is_no_mathematics(name: str) -> None:
    figure = regression_figure(*drawn(1), [name])
    assert png(figure).startswith(b"\x89PNG")
    assert figure.axes[0].get_title(loc="left") == name


def test_one_example_and_perfect_answers() -> None:
    one = np.array([[3.0]])
    assert png(regression_figure(one, one, ["y"])).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("answers", "targets", "names"), [((3, 1), (3, 2), 1), ((0, 1), (0, 1), 1), ((3, 2), (3, 2), 1)]
)
def test_what_cannot_be_drawn(answers: tuple[int, int], targets: tuple[int, int], names: int) -> None:
    with pytest.raises(ShapeError, match="answers: expected as many as the targets"):
        regression_figure(np.zeros(answers), np.zeros(targets), ["y"] * names)


def test_it_applies_to_regression_alone_and_draws_the_arrays_of_the_scores(fresh: MakeRun) -> None:
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    schema = Schema({"features": Field((4,))}, {"y": Field((2,), names=("price", "age"))})
    data = assemble("toy", {"train": Table((x,), (100 + 30 * x[:, :2],), schema)}, provenance="made up")
    run = fresh(LinearSpec(), data)
    scores = run.evaluate(data)
    assert FIGURE.applies(run, data, scores)
    assert not FIGURE.applies(run, data, replace(scores, task="density"))
    assert not FIGURE.applies(run, data, None)
    figure = FIGURE.draw(run, data, "test", scores)
    mean, std = np.array(data.schema.target.mean), np.array(data.schema.target.std)
    answers = run.net(data.test.gather(torch.arange(len(data.test))).x).detach().numpy() * std + mean
    targets = data.test.target("y").numpy() * std + mean
    for k, name in enumerate(("price", "age")):
        axes = figure.axes[2 * k]
        assert axes.get_title(loc="left") == name
        np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([targets, answers], 2)[:, k], rtol=1e-4)
