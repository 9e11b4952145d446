import numpy as np
import pytest
import torch

from neurarium.nets.connectionist.perceptron import learn
from neurarium.nets.connectionist.separability import margins, novikoff
from neurarium.report.perceptron_figure import edge_on, hyperplane_figure
from neurarium.report.plotting import png

CORNERS = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
AND, XOR = torch.tensor([0, 1, 0, 0]), torch.tensor([0, 0, 1, 1])


def drawn(found, x, labels, title, *names):
    counts = found.mistakes.by_epoch(len(x), found.epochs).tolist()
    return hyperplane_figure(found.weight, found.bias, counts, x, labels, title, *names)


def far(point, line) -> float:
    """Distance of a point to an axline, from two of its points."""
    (x1, y1), (x2, y2) = line.get_xy1(), line.get_xy2()
    return abs((x2 - x1) * (y1 - point[1]) - (x1 - point[0]) * (y2 - y1)) / np.hypot(x2 - x1, y2 - y1)


def test_line_margin_and_mistakes() -> None:
    found = learn(CORNERS, AND)
    figure = drawn(found, CORNERS, AND, "and", ("0", "1"), ("a", "b"))
    left, right = figure.axes
    dots = [group.get_offsets().tolist() for group in left.collections]
    assert dots == [[[0, 0], [0, 1], [1, 0]], [[1, 1]]]
    line, *sides = left.get_lines()
    y = 2.0 * AND - 1
    expected = margins(found.weight, found.bias, CORNERS, y)
    for k, point in enumerate(CORNERS.tolist()):
        assert far(point, line) == pytest.approx(expected[k].item(), rel=1e-5)
    nearest = CORNERS[expected.argmin()].tolist()
    assert sorted(far(nearest, side) for side in sides) == pytest.approx([0, 2 * expected.min().item()], abs=1e-6)
    curve, bound = right.get_lines()
    assert curve.get_ydata().tolist() == np.cumsum(found.mistakes.by_epoch(4, found.epochs)).tolist()
    assert set(bound.get_ydata()) == {novikoff(CORNERS, AND).mistakes}
    assert left.get_xlabel() == "a"
    assert png(figure).startswith(b"\x89PNG")


def test_a_certificate_is_ringed_and_there_is_no_bound() -> None:
    figure = drawn(learn(CORNERS, XOR, epochs=4), CORNERS, XOR, "xor")
    left, right = figure.axes
    assert sorted(left.collections[2].get_offsets().tolist()) == sorted(CORNERS.tolist())
    assert len(left.get_lines()) == 1  # no margin
    assert len(right.get_lines()) == 1
    assert any("never end" in text.get_text() for text in right.texts)


@pytest.mark.parametrize("features", [1, 3, 8])
def test_other_numbers_of_features(features: int) -> None:
    rng = np.random.default_rng(features)
    x = rng.standard_normal((30, features))
    t = torch.from_numpy((x @ np.arange(1.0, features + 1) > 0.1).astype(int))
    found = learn(torch.from_numpy(x), t)
    figure = drawn(found, torch.from_numpy(x), t, "many")
    line = figure.axes[0].get_lines()[0]
    expected = np.abs(x @ found.weight.numpy() + found.bias) / found.weight.norm().item()
    places = np.concatenate([group.get_offsets() for group in figure.axes[0].collections[:2]])
    order = np.concatenate([np.flatnonzero(t == 0), np.flatnonzero(t == 1)])
    np.testing.assert_allclose([far(p, line) for p in places], expected[order], rtol=1e-6)
    assert png(figure).startswith(b"\x89PNG")


def test_turning_keeps_the_distance_and_shows_most_spread() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 4)) * [1.0, 5.0, 1.0, 0.2] + 3.0
    turned = edge_on(x, np.array([2.0, 0.0, 0.0, 0.0]), -4.0)
    np.testing.assert_allclose(turned[:, 0], x[:, 0] - 2.0)
    assert abs(np.corrcoef(turned[:, 1], x[:, 1])[0, 1]) > 0.999


def test_weights_that_are_zero_still() -> None:
    x = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    found = learn(x, torch.tensor([1, 0]), epochs=1, answers="pocket")
    assert found.weight.tolist() == [0, 0]
    assert png(drawn(found, x, torch.tensor([1, 0]), "nothing")).startswith(b"\x89PNG")


def test_a_hyperplane_and_counts_from_a_run() -> None:
    """x + y > 3/2 separates AND with the margin 1/4 sqrt 2 = 0.354 of (1, 1), (0, 1) and (1, 0)."""
    figure = hyperplane_figure(torch.tensor([2.0, 2.0]), -3.0, [2, 1, 0], CORNERS, AND, "and", ("no", "yes"))
    left, right = figure.axes
    line, *sides = left.get_lines()
    assert [far(point, line) for point in CORNERS.tolist()] == pytest.approx(
        [1.5 / 2**0.5, 0.5 / 2**0.5, 0.5 / 2**0.5, 0.5 / 2**0.5]
    )
    assert sides[0].get_label() == "margin 0.354"
    assert right.get_lines()[0].get_ydata().tolist() == [2, 3, 3]
    bound = novikoff(CORNERS, AND).mistakes
    assert [text.get_text() for text in right.texts] == [f"3 mistakes in 3 epochs; at most {bound:,} (dashed)"]
    assert [text.get_text() for text in left.get_legend().get_texts()][:2] == ["no", "yes"]
    assert (left.get_xlabel(), left.get_ylabel()) == ("first feature", "second feature")


def test_an_example_on_the_wrong_side_leaves_no_margin() -> None:
    figure = hyperplane_figure(torch.tensor([1.0, 0.0]), -0.5, [1], CORNERS, AND, "and")
    assert len(figure.axes[0].get_lines()) == 1


@pytest.mark.parametrize("name", [r"$\nonsense{$", "a$b$c", "under_score"])
def test_the_name_of_a_class_is_no_mathematics(name: str) -> None:
    figure = hyperplane_figure(torch.tensor([2.0, 2.0]), -3.0, [2, 0], CORNERS, AND, name, (name, "other"))
    assert png(figure).startswith(b"\x89PNG")
    assert figure.axes[0].get_legend().get_texts()[0].get_text() == name


def test_no_mistake_at_all() -> None:
    figure = hyperplane_figure(torch.tensor([2.0, 2.0]), -3.0, [0], CORNERS, AND, "known before")
    assert figure.axes[1].get_lines()[0].get_ydata().tolist() == [0]
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("counts", "told"), [([1], "1 mistake in 1 epoch;"), ([1500, 0], "1,500 mistakes in 2 epochs;")]
)
def test_counts_are_told_in_words(counts: list[int], told: str) -> None:
    for labels in (AND, XOR):
        figure = hyperplane_figure(torch.tensor([2.0, 2.0]), -3.0, counts, CORNERS, labels, "told")
        assert figure.axes[1].texts[0].get_text().startswith(told)
