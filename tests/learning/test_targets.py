import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurarium.checks import ConfigError
from neurarium.learning.losses import cross_entropy
from neurarium.learning.targets import check_transition, smooth, uniform_transition


def test_uniform_smoothing_by_numpy() -> None:
    expected = 0.7 * np.eye(4) + 0.3 / 4 * np.ones((4, 4))
    np.testing.assert_allclose(uniform_transition(4, 0.3).numpy(), expected, rtol=1e-6)
    check_transition(uniform_transition(4, 0.3).tolist(), 4)


def test_column_of_the_label_and_matrix_times_distribution() -> None:
    rng = np.random.default_rng(0)
    transition = rng.random((3, 3))
    transition /= transition.sum(0)
    targets = np.array([2, 0, 1, 2])
    got = smooth(torch.tensor(targets), torch.tensor(transition))
    np.testing.assert_allclose(got.numpy(), (transition @ np.eye(3)[:, targets]).T)
    np.testing.assert_allclose(got.sum(1).numpy(), 1)
    rows = rng.dirichlet(np.ones(3), size=5)
    np.testing.assert_allclose(smooth(torch.tensor(rows), torch.tensor(transition)).numpy(), rows @ transition.T)


def test_places_of_a_sequence_are_smoothed_one_by_one() -> None:
    transition = uniform_transition(3, 0.5)
    targets = torch.tensor([[0, 1], [2, 2]])
    assert torch.equal(smooth(targets, transition)[1, 0], smooth(targets[1, :1], transition)[0])


def test_smoothing_zero_is_the_identity() -> None:
    targets = torch.tensor([0, 2])
    assert torch.equal(smooth(targets, uniform_transition(3, 0.0)), torch.eye(3)[targets])


def test_torchs_label_smoothing_as_a_peer() -> None:
    logits, targets = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3, 4, 4])
    ours = cross_entropy(logits, smooth(targets, uniform_transition(5, 0.1)))
    torch.testing.assert_close(ours, F.cross_entropy(logits, targets, label_smoothing=0.1))


@pytest.mark.parametrize(
    ("transition", "says"),
    [
        ([[1.0, 0.5], [0.0, 0.4]], "column 1: expected a sum of 1.*got a sum of 0.9"),
        ([[0.5, 0.5], [0.4, 0.4]], "column 0: .*0.9"),
        ([[1.0, 1.5], [0.0, -0.5]], r"column 1: expected probabilities, got \(1.5, -0.5\)"),
        ([[float("nan"), 0.0], [1.0, 1.0]], "column 0: expected probabilities"),
        ([[0.9, 0.1, 0.0], [0.1, 0.9, 1.0]], "2 rows of 2 numbers, got 2 rows of 3"),
        ([[1.0, 0.0], [0.0]], "got 2 rows of 1 or 2 numbers"),
        ([[0.5, 0.5, 0.5]], "expected K x K numbers, row by row, .* got 3 numbers"),
    ],
)
def test_no_confusion_matrix(transition: list[list[float]], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_transition(transition)


def test_of_another_size_than_the_classes() -> None:
    with pytest.raises(ConfigError, match="3 rows of 3 numbers, one a class, got 2 rows of 2"):
        check_transition([[1.0, 0.0], [0.0, 1.0]], classes=3)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_share_out_of_range(fraction: float) -> None:
    with pytest.raises(ConfigError, match=r"loss\.smoothing"):
        uniform_transition(3, fraction)
