import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from neurarium.learning.trace import trace
from neurarium.report.trace_figure import trace_figure


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    return trace(net, torch.randn(8, 4), torch.randint(3, (8,)))


def test_panels_hold_the_numbers(found):
    size, signal, gradient, jacobian = trace_figure(found, "x").axes
    for axes, field in ((size, "rms"), (size, "expected"), (signal, "error_rms"), (signal, "error_expected")):
        values = [getattr(e, field) for e in found.layers]
        line = axes.get_lines()["expected" in field]
        np.testing.assert_allclose(line.get_ydata(), [value for value in values if value is not None])
    np.testing.assert_allclose(gradient.get_lines()[0].get_xdata(), [0, 2])  # the rectifier has no parameters
    for k in range(3):
        np.testing.assert_allclose(jacobian.get_lines()[k].get_ydata(), [e.singular_values[k] for e in found.layers])
    assert {axes.get_yscale() for axes in (size, signal, gradient, jacobian)} == {"log"}
    assert [label.get_text() for label in jacobian.get_xticklabels()] == ["0", "1", "2"]


def test_zero_and_infinity_are_marked_at_the_edges(found):
    first, middle, last = found.layers
    first, middle = (replace(entry, error_expected=None) for entry in (first, middle))
    odd = replace(found, layers=(replace(first, error_rms=0.0), replace(middle, error_rms=math.inf), last))
    lines = trace_figure(odd).axes[1].get_lines()
    marks = {line.get_marker(): list(line.get_xdata()) for line in lines if len(line.get_xdata())}
    assert marks == {"o": [2], "v": [0], "x": [1]}


def test_without_numbers_a_panel_says_so(found):
    bare = replace(found, layers=tuple(replace(e, gradient_norm=None, singular_values=()) for e in found.layers))
    figure = trace_figure(bare)
    figure.draw_without_rendering()
    for axes in figure.axes[2:]:
        assert axes.texts[0].get_text() == "no such numbers"


def test_the_limit_is_drawn_where_something_vanishes(found):
    lost = replace(found, vanishing=("0",))
    line = trace_figure(lost).axes[1].get_lines()[-1]
    assert line.get_ydata()[0] == pytest.approx(1e-3 * found.layers[-1].error_rms)


@pytest.mark.parametrize("count", [3, 60, 200])
def test_names_of_few_and_many_layers_do_not_touch(found, count):
    names = [f"blocks.{k}.a_rather_long_name_of_a_layer" for k in range(count)]
    many = replace(found, layers=tuple(replace(found.layers[0], name=name) for name in names))
    figure = trace_figure(many, "many")
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[3].get_xticklabels()]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
    titles = [axes.title.get_window_extent() for axes in figure.axes]
    assert all(box.y0 > 0 for box in titles)
