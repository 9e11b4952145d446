import threading

import numpy as np
import pytest
from matplotlib import image

from neurarium.checks import RunError, StorageError
from neurarium.report.curves import PANELS, compare_figure, curves_figure, panel_figure, save_figure


def line(axes, label):
    return next(item for item in axes.get_lines() if item.get_label() == label)


def test_the_three_curves_hold_the_recorded_numbers(made):
    entries = made.entries(made.events())
    loss, error, norm, rate = curves_figure(entries, "lenet5-1").axes
    epochs = [entry for entry in entries if entry["event"] == "epoch"]
    for axes, label, part, score, unit in (
        (loss, "training", "train", "loss", 1),
        (loss, "validation", "validation", "loss", 1),
        (error, "training", "train", "error", 100),
        (error, "validation", "validation", "error", 100),
    ):
        np.testing.assert_allclose(line(axes, label).get_xdata(), range(1, 21))
        np.testing.assert_allclose(line(axes, label).get_ydata(), [unit * entry[part][score] for entry in epochs])
    steps = [entry for entry in entries if entry["event"] == "step"]
    np.testing.assert_allclose(line(loss, "single updates").get_ydata(), [e["loss"] for e in steps])
    np.testing.assert_allclose(norm.get_lines()[-1].get_ydata(), [e["gradient_norm"] for e in epochs])
    np.testing.assert_allclose(rate.get_lines()[0].get_ydata(), [e["learning_rate"] for e in steps])


@pytest.mark.parametrize(
    ("task", "unit"), [("classification", "wrong answers in %"), ("density", "squared error of a unit in %")]
)
def test_the_error_is_named_as_the_task_names_it(made, task, unit):
    entries = made.entries(made.events(task=task))
    assert curves_figure(entries, "x").axes[1].get_ylabel().startswith(unit)
    assert compare_figure({"a": entries}).axes[1].get_ylabel().startswith(unit)
    both = {"a": entries, "b": made.entries(made.events(task="custom"))}
    assert compare_figure(both).axes[1].get_ylabel().startswith("error in %")


def test_the_best_epoch_is_marked(made):
    error = curves_figure(made.entries(made.events()), "x").axes[1]
    mark = line(error, "best: epoch 17, 2.40 %")
    assert mark.get_xdata()[0] == 17
    assert mark.get_ydata()[0] == pytest.approx(2.4, abs=0.01)


def test_legends_lie_above_the_curves(made):
    figure = curves_figure(made.entries(made.events()), "x")
    figure.draw_without_rendering()
    for axes in figure.axes[:2]:
        assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1


def test_without_validation_data_the_training_curves_stand_alone(made):
    error = curves_figure(made.entries(made.events(5, validation=False)), "x").axes[1]
    assert [label for label in error.get_legend_handles_labels()[1] if label == "validation"] == []


@pytest.mark.parametrize("kept", [1, 2, 20])
def test_a_run_that_has_just_begun_can_be_drawn(made, tmp_path, kept):
    save_figure(curves_figure(made.entries(made.events())[:kept], "x"), tmp_path / "curves.png")
    assert image.imread(tmp_path / "curves.png").shape == (1008, 1512, 4)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_several_runs_over_each_other(made, count):
    runs = {f"run {k}": made.entries(made.events(3 + k, seed=k, best=2)) for k in range(count)}
    left, right = compare_figure(runs).axes
    assert [len(item.get_xdata()) for item in left.get_lines()] == [3 + k for k in range(count)]
    assert len({item.get_color() for item in right.get_lines()}) == count
    assert len({item.get_marker() for item in right.get_lines()}) == count


def test_legend_of_a_comparison_lies_below_the_curves(made):
    figure = compare_figure({name: made.entries(made.events(4)) for name in ("a", "$b$")})
    figure.draw_without_rendering()
    assert figure.legends[0].get_window_extent().y1 <= min(axes.get_window_extent().y0 for axes in figure.axes)


def test_a_dollar_in_a_title_is_no_mathematics(made, tmp_path):
    save_figure(curves_figure(made.entries(made.events(2)), r"$\broken{$"), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("panel", PANELS)
def test_single_panels(made, panel):
    assert len(panel_figure(made.entries(made.events(3)), panel).axes) == 1


def test_pictures_can_be_drawn_in_threads(made):
    entries, lengths = made.entries(made.events(3)), []
    draw = [
        threading.Thread(target=lambda: lengths.append(len(curves_figure(entries, "x")._repr_png_()))) for _ in range(2)
    ]
    for thread in draw:
        thread.start()
    for thread in draw:
        thread.join()
    assert lengths[0] == lengths[1]


def test_a_record_without_a_start_is_refused():
    with pytest.raises(RunError):
        curves_figure([], "x")


def test_saving_into_a_file_as_folder_is_refused(made, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        save_figure(panel_figure(made.entries(made.events(1)), "error"), tmp_path / "file" / "curves.png")
