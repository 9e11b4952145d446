import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.report.plotting import png
from neurarium.report.samples import points_figure, reconstructions_figure, samples_figure


def drawn(figure, place: int = 0) -> np.ndarray:
    return np.asarray(figure.axes[place].get_images()[0].get_array())


def test_grid_holds_every_picture_at_its_place() -> None:
    images = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 1, 4, 3)
    figure = samples_figure(images, "five", ends=(0.0, 4.0), columns=3)
    canvas = drawn(figure)
    assert canvas.shape == (2 * 5 - 1, 3 * 4 - 1)
    for k in range(5):
        row, column = 5 * (k // 3), 4 * (k % 3)
        np.testing.assert_allclose(canvas[row : row + 4, column : column + 3], k / 4)
    # between images and where there is none: paper
    assert (canvas[4] == 1).all()
    assert (canvas[5:, 8:] == 1).all()
    assert png(figure).startswith(b"\x89PNG")


def test_colors_and_values_beyond_the_ends() -> None:
    images = torch.tensor([-50.0, 127.5, 400.0]).view(1, 3, 1, 1).expand(2, 3, 2, 2)
    canvas = drawn(samples_figure(images, "color"))
    assert canvas.shape == (2, 5, 3)
    np.testing.assert_allclose(canvas[0, 0], [0, 0.5, 1])


def test_rows_of_reconstructions() -> None:
    rows = {"original": torch.zeros(3, 1, 2, 2), "reconstructed": torch.full((3, 1, 2, 2), 255.0)}
    figure = reconstructions_figure(rows, "three")
    assert [drawn(figure, place).mean() for place in (0, 1)] == [pytest.approx(2 * 2 / 16), 1.0]
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["original", "reconstructed"]
    assert png(figure).startswith(b"\x89PNG")


def test_points_on_the_same_axes() -> None:
    real, made = torch.randn(3000, 2), torch.tensor([[0.0, 0.5], [100.0, 0.0]])
    figure = points_figure(real, made, "ring", "8 of 8 modes")
    left, right = figure.axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), real[:2000])
    np.testing.assert_allclose(right.collections[0].get_offsets(), made)
    assert left.get_xlim() == right.get_xlim()
    assert left.get_xlim()[1] < 100
    assert "1 of 2 points outside" in right.get_xlabel()
    assert right.get_title(loc="left") == "generated"
    assert right.texts[0].get_text() == "8 of 8 modes"
    assert png(figure).startswith(b"\x89PNG")


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ShapeError, match="gray or in color"):
        samples_figure(torch.zeros(3, 2, 4, 4), "")
    with pytest.raises(ShapeError, match="at least one"):
        samples_figure(torch.zeros(0, 1, 4, 4), "")
    with pytest.raises(ShapeError, match="one shape"):
        reconstructions_figure({"a": torch.zeros(2, 1, 4, 4), "b": torch.zeros(3, 1, 4, 4)}, "")
    with pytest.raises(ShapeError, match="one shape"):
        reconstructions_figure({}, "")
    with pytest.raises(ShapeError, match="generated"):
        points_figure(torch.zeros(3, 2), torch.zeros(3, 3), "")
