import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.checks import DataError, ShapeError
from neurarium.nets.connectionist.certificate import Certificate
from neurarium.nets.connectionist.separability import Separator, margins, novikoff, separate, signs, widest

CORNERS = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])


def check_in_fractions(found: Certificate, x: torch.Tensor, y: list[int], bias: bool = True) -> None:
    assert found.exact
    assert len(set(found.examples)) == len(found.examples) == len(found.fractions)
    assert all(isinstance(fraction, Fraction) and fraction > 0 for fraction in found.fractions)
    assert sum(found.fractions) == 1
    for column in range(x.shape[1]):
        terms = [a * y[k] * Fraction(x[k, column].item()) for k, a in zip(found.examples, found.fractions, strict=True)]
        assert sum(terms) == 0
    if bias:
        assert sum(a * y[k] for k, a in zip(found.examples, found.fractions, strict=True)) == 0


@pytest.mark.parametrize("y", [[1, 1, -1, -1], [-1, -1, 1, 1]], ids=["xnor", "xor"])
def test_xor_is_refused_with_a_certificate(y: list[int]) -> None:
    found = separate(CORNERS, torch.tensor(y))
    assert isinstance(found, Certificate)
    check_in_fractions(found, CORNERS, y)
    # the diagonals cross in the middle, and nothing else is a point of both hulls
    assert dict(zip(found.examples, found.fractions, strict=True)) == dict.fromkeys(range(4), Fraction(1, 4))
    assert str(found).count("1/4 of example") == 4
    assert str(found).endswith("= 0")
    assert isinstance(widest(CORNERS, torch.tensor(y)), Certificate)
    assert isinstance(novikoff(CORNERS, torch.tensor(y)), Certificate)


def test_all_other_labelings_of_the_corners_are_separated() -> None:
    separated = 0
    for code in range(16):
        y = torch.tensor([1 if code >> k & 1 else -1 for k in range(4)])
        found = separate(CORNERS, y)
        if isinstance(found, Separator):
            separated += 1
            assert margins(found.weight, found.bias, CORNERS.double(), y.double()).min() > 0
    assert separated == 14


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 2, st.sampled_from([-1, 1])), min_size=1, max_size=9), st.booleans())
def test_small_sets_of_whole_numbers_are_always_decided(rows, bias: bool) -> None:
    x, y = torch.tensor([row[:2] for row in rows]), [row[2] for row in rows]
    found = separate(x, torch.tensor(y), bias)
    if isinstance(found, Certificate):
        check_in_fractions(found, x, y, bias)
    else:
        w = [Fraction(v) for v in found.weight.tolist()]
        for (a, b, _), sign in zip(rows, y, strict=True):
            assert sign * (w[0] * a + w[1] * b + Fraction(found.bias)) > 0


def test_certificate_of_many_numbers_that_are_no_round_ones() -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((300, 4)).astype(np.float32))
    y = rng.choice([-1, 1], 300).tolist()
    found = separate(x, torch.tensor(y))
    assert isinstance(found, Certificate)
    check_in_fractions(found, x, y)
    assert len(found.examples) <= 6


def test_same_example_with_both_labels() -> None:
    x = torch.tensor([[0.1, 0.2], [5.0, 0.3], [0.1, 0.2]])
    found = separate(x, torch.tensor([0, 0, 1]))
    assert isinstance(found, Certificate)
    assert found.fractions == (Fraction(1, 2), Fraction(1, 2))
    assert found.examples == (0, 2)
    assert str(found) == "the signed sum 1/2 of example 0 + 1/2 of example 2 = 0"


def test_a_certificate_of_too_many_examples_is_not_called_exact() -> None:
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.standard_normal((300, 60)))
    y = torch.from_numpy(rng.choice([-1, 1], 300))
    found = separate(x, y)
    assert isinstance(found, Certificate)
    assert not found.exact
    fractions = np.array([float(a) for a in found.fractions])
    z = (y[:, None] * x).numpy()[list(found.examples)]
    assert found.residual < 1e-9
    assert np.abs(fractions @ z).max() < 1e-4  # fractions are rounded for the message
    assert f"{len(found.examples) - 6} more = 0 up to" in str(found)


def test_large_sets_of_both_kinds() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((40_000, 5))
    w = np.array([1.0, -2.0, 0.5, 0.0, 1.0])
    y = np.where(x @ w > 0.3, 1, -1)
    found = separate(torch.from_numpy(x), torch.from_numpy(y))
    assert isinstance(found, Separator)
    assert (y * (x @ found.weight.numpy() + found.bias)).min() > 0
    y[20_001] = -y[20_001]
    x[20_001] *= 3
    found = separate(torch.from_numpy(x), torch.from_numpy(y))
    assert isinstance(found, Certificate)
    assert 20_001 in found.examples
    check_in_fractions(found, torch.from_numpy(x), y.tolist())


def test_columns_of_very_different_sizes() -> None:
    x = torch.tensor([[1e-7, 1e6], [3e-7, 1e6]], dtype=torch.float64)
    found = separate(x, torch.tensor([0, 1]))
    assert isinstance(found, Separator)
    assert margins(found.weight, found.bias, x, torch.tensor([-1.0, 1.0]).double()).min() > 0


def widest_by_turning(z: np.ndarray) -> float:
    center, reach = np.pi, np.pi
    for _ in range(3):
        angles = np.linspace(center - reach, center + reach, 20_001)
        least = (z @ np.stack([np.cos(angles), np.sin(angles)])).min(0)
        center, reach = angles[least.argmax()], reach / 1000
    return float(least.max())


@pytest.mark.parametrize("bias", [False, True])
def test_widest_margin_is_that_of_all_directions(bias: bool) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        x = rng.standard_normal((20, 1 if bias else 2)) * 2
        w = rng.standard_normal(2)
        full = np.column_stack([x, np.ones(20)]) if bias else x
        y = np.where(full @ w > 0, 1, -1)
        expected = widest_by_turning(y[:, None] * full)
        bound = novikoff(torch.from_numpy(x), torch.from_numpy(y), bias)
        assert bound.margin == pytest.approx(expected, rel=1e-7)
        assert bound.radius == pytest.approx(np.sqrt((full**2).sum(1)).max())
        assert bound.mistakes == math.floor((bound.radius / bound.margin) ** 2)


def test_widest_margin_by_hand() -> None:
    # two points at distance 2 on the first axis, symmetric about the origin: the axis between them, bias 0
    found = widest(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([1, 0]))
    assert found.margin == pytest.approx(1.0)
    assert (found.weight / found.weight.norm()).tolist() == pytest.approx([1.0, 0.0])
    assert found.bias == pytest.approx(0.0, abs=1e-12)
    # R^2 / gamma^2 of (x, 1): (1 + 1) / 1
    assert novikoff(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([1, 0])).mistakes == 2


def test_labels() -> None:
    assert signs(torch.tensor([-1.0, 1.0])).tolist() == [-1, 1]
    assert signs(torch.tensor([False, True])).tolist() == [-1, 1]
    assert signs(torch.tensor([1])).tolist() == [1]
    for labels in ([1, 2], [-1, 0], [-1, 0, 1], [0.5, 1.0], [], [float("nan"), 1.0]):
        with pytest.raises(DataError, match="two classes") as caught:
            signs(torch.tensor(labels))
        shown = [f"{v:g}" for v in labels] if labels else ["no examples"]
        assert all(text in caught.value.got for text in shown)


def test_what_is_no_data() -> None:
    with pytest.raises(DataError, match="example 1"):
        separate(torch.tensor([[0.0], [math.nan]]), torch.tensor([0, 1]))
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        separate(torch.zeros(3), torch.tensor([0, 1, 1]))
    with pytest.raises(ShapeError):
        separate(torch.zeros(3, 2), torch.tensor([0, 1]))
    nothing = separate(torch.zeros(2, 2), torch.tensor([1, 1]), bias=False)  # zeros lie on every hyperplane
    assert isinstance(nothing, Certificate)
    assert isinstance(separate(torch.zeros(2, 2), torch.tensor([1, 1])), Separator)
