import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.augmentation.mixing import draw_fractions, mixup


def test_inputs_and_targets_are_mixed_alike() -> None:
    random = np.random.default_rng(0)
    x, t = random.normal(size=(6, 2, 3)), random.integers(0, 4, 6)
    fraction, partner = random.uniform(size=6), random.permutation(6)
    mixed, targets = mixup(*(torch.from_numpy(a) for a in (x, t, fraction, partner)), classes=4)
    code = np.eye(4)[t]
    for n in range(6):
        np.testing.assert_allclose(mixed[n].numpy(), fraction[n] * x[n] + (1 - fraction[n]) * x[partner[n]], rtol=1e-12)
        np.testing.assert_allclose(
            targets[n].numpy(), fraction[n] * code[n] + (1 - fraction[n]) * code[partner[n]], atol=1e-12
        )
    np.testing.assert_allclose(targets.sum(1).numpy(), 1, rtol=1e-12)


def test_numbers_are_mixed_as_they_are() -> None:
    t = torch.tensor([[0.0, 1.0], [10.0, 3.0]])
    _, targets = mixup(torch.zeros(2, 1), t, torch.tensor([0.5, 0.9]), torch.tensor([1, 0]))
    torch.testing.assert_close(targets, torch.tensor([[5.0, 2.0], [9.0, 2.8]]))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_from_the_beta_distribution(alpha: float) -> None:
    torch.manual_seed(0)
    fraction = draw_fractions(torch.zeros(20_000, 1, dtype=torch.float64), alpha)
    assert ((fraction >= 0) & (fraction <= 1)).all()
    variance = 1 / (4 * (2 * alpha + 1))
    assert fraction.mean().item() == pytest.approx(0.5, abs=4 * (variance / 20_000) ** 0.5)
    assert fraction.var().item() == pytest.approx(variance, rel=0.05)


def test_errors() -> None:
    x, half, other = torch.zeros(2, 1), torch.full((2,), 0.5), torch.tensor([1, 0])
    with pytest.raises(ConfigError, match=r"augmentation\.mixup: expected to be told the number of classes"):
        mixup(x, torch.tensor([0, 1]), half, other)
    with pytest.raises(ShapeError, match=r"one class an example"):
        mixup(x, torch.tensor([[0, 1], [1, 1]]), half, other, classes=2)
