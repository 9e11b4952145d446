import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.report.figures.recall import memory_figure
from neurarium.report.plotting import png


def trained(shape: tuple[int, ...] = (1, 6, 10), patterns: int = 5, storage: str = "pseudo-inverse"):
    net = AssociativeMemory(torch.full(shape, 0.5), patterns, storage)
    net.store(torch.rand(patterns, *shape, generator=torch.Generator().manual_seed(0)))
    return net


def pixels(axes) -> np.ndarray:
    return np.asarray(axes.get_images()[0].get_array())


def test_rows_are_memories_damaged_and_recalled() -> None:
    net = trained()
    figure = memory_figure(net, rows=3, names=list("abcde"))
    columns = len(figure.axes) // 3
    for row, memory in enumerate((0, 2, 4)):
        *figures, energy = figure.axes[columns * row : columns * (row + 1)]
        stored = net.kept[memory].reshape(6, 10)
        np.testing.assert_array_equal(pixels(figures[-1]), stored)
        assert (pixels(figures[0]) != stored.numpy()).sum() == 15
        np.testing.assert_array_equal(pixels(figures[-2]), stored)
        assert figures[0].texts[0].get_text() == "abcde"[memory]
        target = energy.get_lines()[0].get_ydata()[0]
        assert target == pytest.approx(net.energy(net.kept)[memory].item())
    assert "5 patterns stored (pseudo-inverse), 25 % of the units" in figure.texts[0].get_text()
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(("shape", "size"), [((3, 4, 5), (12, 5)), ((12,), (1, 12))])
@pytest.mark.parametrize("storage", ["dense", "modern"])
def test_other_shapes_and_memories(shape: tuple[int, ...], size: tuple[int, int], storage: str) -> None:
    net = trained(shape, 1, storage)
    figure = memory_figure(net, rows=5)
    assert pixels(figure.axes[0]).shape == size
    assert figure.axes[0].texts[0].get_text() == "1"
    assert "1 pattern stored" in figure.texts[0].get_text()


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match="stored pattern"):
        memory_figure(AssociativeMemory(torch.zeros(4), 2))
    with pytest.raises(ConfigError, match="rows"):
        memory_figure(trained(), rows=0)
    with pytest.raises(ConfigError, match="expected 5, one a stored pattern, got 2"):
        memory_figure(trained(), names=["a", "b"])
