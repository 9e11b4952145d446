import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.hopfield import HopfieldNet
from neurarium.nets.connectionist.hopfield_load import LoadPoint
from neurarium.nets.connectionist.modern_hopfield import ModernMemory
from neurarium.nets.connectionist.patterns import flip, random_patterns
from neurarium.report.plotting import png
from neurarium.report.recall import load_figure, recall_figure


@pytest.fixture
def stored() -> torch.Tensor:
    return random_patterns(3, 60, torch.Generator().manual_seed(0))


def damaged(stored: torch.Tensor) -> torch.Tensor:
    return flip(stored, 0.2, torch.Generator().manual_seed(1))


def test_pictures_and_energies_are_those_of_the_recall(stored) -> None:
    net = HopfieldNet.storing(stored)
    probes = damaged(stored)
    found = net.recall(probes, trace=True)
    figure = recall_figure(found, stored, net.energy(stored), (6, 10), "three patterns", ["a", "b", "$c$"])
    assert len(figure.axes) == 3 * 7
    for row in range(3):
        *images, curve = figure.axes[7 * row : 7 * row + 7]
        shown = [axes.get_images()[0].get_array() for axes in images]
        for place, expected in ((0, probes), (4, found.states), (5, stored)):
            np.testing.assert_array_equal(shown[place], expected[row].reshape(6, 10))
        wrong = [(image != shown[4]).sum() for image in shown[:5]]
        assert wrong[0] == 12
        assert wrong == sorted(wrong, reverse=True)
        target, course, dots = curve.get_lines()[:3]
        assert set(target.get_ydata()) == {net.energy(stored)[row].item()}
        np.testing.assert_allclose(course.get_ydata(), found.trace.energies[: len(course.get_ydata()), row])
        last = dots.get_xdata()[-1]
        assert images[4].get_title() == f"recalled, {last}"
        course = found.trace.energies[:, row].tolist()
        assert course[last] == pytest.approx(course[-1])
        assert course[last - 1] > course[last] + 1e-3
    assert png(figure).startswith(b"\x89PNG")


def test_the_energy_axes_of_all_rows_are_dressed_alike(stored) -> None:
    net = HopfieldNet.storing(stored)
    figure = recall_figure(net.recall(damaged(stored), trace=True), stored, net.energy(stored), (6, 10), "three")
    figure.draw_without_rendering()
    columns = figure.axes[6::7]
    assert [axes.get_title(loc="left") for axes in columns] == ["Energy", "", ""]
    sizes = {label.get_fontsize() for axes in columns for label in (*axes.get_xticklabels(), *axes.get_yticklabels())}
    assert sizes == {8.0}


def test_a_recall_in_one_step_needs_no_places_between(stored) -> None:
    memory = ModernMemory(stored, beta=2.0)
    found = memory.recall(damaged(stored), trace=True)
    figure = recall_figure(found, stored, memory.energy(stored), (6, 10), "one step")
    assert len(figure.axes) == 3 * 4
    assert figure.axes[-1].get_xlabel() == "updates of all units"


def test_a_probe_that_does_not_move(stored) -> None:
    net = HopfieldNet.storing(stored[:1])
    found = net.recall(stored[:1], trace=True)
    figure = recall_figure(found, stored[:1], net.energy(stored[:1]), (6, 10), "at rest")
    assert png(figure).startswith(b"\x89PNG")


def test_what_cannot_be_drawn(stored) -> None:
    net = HopfieldNet.storing(stored)
    with pytest.raises(ConfigError, match="trace=True"):
        recall_figure(net.recall(stored), stored, net.energy(stored), (6, 10), "")
    with pytest.raises(ShapeError, match="5 x 10"):
        recall_figure(net.recall(stored, trace=True), stored, net.energy(stored), (5, 10), "")
    with pytest.raises(ConfigError, match="curve"):
        load_figure([])


def test_load_figure_holds_points_and_theory() -> None:
    points = [LoadPoint(100, s, m, 0.01, 0.5) for s, m in ((5, 1.0), (12, 0.98), (20, 0.6))]
    axes = load_figure([points]).axes[0]
    theory, _, measured = axes.get_lines()[:3]
    assert list(measured.get_xdata()) == [0.05, 0.12, 0.2]
    assert list(measured.get_ydata()) == [1.0, 0.98, 0.6]
    # Amit, Gutfreund, Sompolinsky: 0.967 at 0.1379
    assert theory.get_xdata()[-1] == pytest.approx(0.1379, abs=5e-5)
    assert theory.get_ydata()[-1] == pytest.approx(0.967, abs=1e-3)
    labels = axes.get_legend_handles_labels()[1]
    assert labels[-1] == "measured, 100 neurons"
