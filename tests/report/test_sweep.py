"""The figure of a sweep: what is drawn equals the records."""

import math
from typing import Any

import numpy as np
import pytest

from neurarium.report.history import digest
from neurarium.report.plotting import png
from neurarium.report.sweep import COLUMNS, row_of, sweep_figure, sweep_table
from neurarium.report.sweep_page import sweep_page
from neurarium.report.sweep_scores import SweptCell, best_cell, spread, tell_best


@pytest.fixture
def cells(made: Any) -> list[SweptCell]:
    def histories(floor: float, epochs: list[int]) -> list[Any]:
        return [digest(made.entries(made.events(epochs=n, floor=floor + 0.004 * k))) for k, n in enumerate(epochs)]

    return [
        SweptCell("sgd, lr=$0.1$", {"optimizer.name": "sgd"}, histories(0.05, [20, 18, 20])),
        SweptCell("adam", {"optimizer.name": "adam"}, histories(0.02, [20, 20, 20])),
        SweptCell("lost", {"optimizer.name": "rmsprop"}, [], diverged=3),
    ]


def test_lines_and_bands_are_mean_and_deviation_of_the_records(cells: list[SweptCell]) -> None:
    figure = sweep_figure(cells, 3, "a sweep")
    for axes, part, measure, unit in (
        (figure.axes[0], "train", "loss", 1),
        (figure.axes[1], "validation", "error", 100),
    ):
        for line, band, cell in zip(axes.lines, axes.collections, cells, strict=False):
            common = min(len(history.epochs) for history in cell.histories)
            values = unit * np.array([[e[part][measure] for e in h.epochs[:common]] for h in cell.histories])
            mean, sd = values.mean(0), values.std(0, ddof=1)
            assert np.asarray(line.get_xdata()).tolist() == list(range(1, common + 1))
            assert np.allclose(np.asarray(line.get_ydata(), dtype=float), mean)
            corners = band.get_paths()[0].vertices
            assert corners[:, 1].min() == pytest.approx((mean - sd).min())
            assert corners[:, 1].max() == pytest.approx((mean + sd).max())
        assert "standard deviation over 3 seeds" in axes.get_ylabel()
    assert len(figure.axes[0].collections) == 2  # the lost cell has nothing to draw
    assert "lost (0 done, 3 diverged)" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert png(figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("tasks", "unit"),
    [
        (("classification",), "wrong answers in %"),
        (("regression",), "variance not explained in %"),
        (("recall", "density"), "error in %"),
    ],
)
def test_the_error_is_named_as_the_task_names_it(made: Any, tasks: tuple[str, ...], unit: str) -> None:
    cells = [SweptCell(task, {}, [digest(made.entries(made.events(3, task=task)))]) for task in tasks]
    assert sweep_figure(cells, 1, "x").axes[1].get_ylabel().startswith(f"{unit}\n")


def test_one_seed_has_no_band(cells: list[SweptCell]) -> None:
    single = [SweptCell(c.name, c.settings, c.histories[:1]) for c in cells[:2]]
    figure = sweep_figure(single, 1, "one")
    assert not figure.axes[0].collections
    assert "one seed" in figure.axes[0].get_ylabel()
    assert "±" not in row_of(single[0])[1]
    assert "nobody can say" in tell_best(single)


def test_nothing_done_yet_is_drawn_all_the_same() -> None:
    empty = [SweptCell("sgd", {}, [], missing=2)]
    assert png(sweep_figure(empty, 2, "empty"))
    assert tell_best(empty) == "No run has come to its end."
    assert row_of(empty[0])[1:] == ("-", "-", "-", "-", "-", "0 done, 2 to come")


def test_spread_against_numpy() -> None:
    values = [0.3, 0.1, 0.7, 0.2]
    found = spread(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.sd == pytest.approx(np.std(values, ddof=1))
    assert math.isnan(spread([1.0]).sd)
    assert math.isnan(spread([]).mean)


def test_best_cell_and_how_far_it_stands_out(cells: list[SweptCell]) -> None:
    assert best_cell(cells) is cells[1]
    bests = [[min(h.scores("validation", "error")) for h in cell.histories] for cell in cells[:2]]
    sgd, adam = np.array(bests[0]), np.array(bests[1])
    behind = 100 * (sgd.mean() - adam.mean())
    line = tell_best(cells)
    assert f"{behind:.2f} percentage points" in line
    two_errors = 2 * np.sqrt(sgd.var(ddof=1) / 3 + adam.var(ddof=1) / 3)
    assert ("more than two standard errors" in line) == (sgd.mean() - adam.mean() > two_errors)
    same = [cells[1], SweptCell("twin", {}, cells[1].histories)]
    assert "may be chance" in tell_best(same)


def test_a_cell_that_lost_runs_is_not_the_best(cells: list[SweptCell]) -> None:
    lucky = SweptCell("lucky", {}, cells[1].histories[:1], diverged=2)
    assert best_cell([lucky, cells[0]]) is cells[0]
    assert "lost runs to divergence" in tell_best([lucky, cells[0]])


def test_table_and_page(cells: list[SweptCell], tmp_path: Any) -> None:
    table = sweep_table(cells)
    assert table.row_count == 3
    assert len(table.columns) == len(COLUMNS)
    ends = np.array([100 * h.epochs[-1]["validation"]["error"] for h in cells[1].histories])
    assert row_of(cells[1])[2] == f"{ends.mean():.2f} ± {ends.std(ddof=1):.2f}"
    request = {
        "seeds": 3, "recipe": {"seed": 0, "name": "toy", "data": "d<>"},
        "grid": [{"field": "optimizer.name", "values": ["sgd", "adam"]}],
    }  # fmt: skip
    page = sweep_page(tmp_path, cells, request, "a sweep")
    assert "d&lt;&gt;" in page
    assert row_of(cells[1])[2] in page
    assert "data:image/png;base64," in page
