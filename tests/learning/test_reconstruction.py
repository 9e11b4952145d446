import math

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.reconstruction import psnr, reconstruction_error, reconstruction_loss


def test_loss_against_numpy() -> None:
    random = np.random.default_rng(0)
    made, seen = random.normal(size=(5, 2, 3, 4)), random.normal(size=(5, 2, 3, 4))
    expected = np.mean([np.sum((a - b) ** 2) / 24 for a, b in zip(made, seen, strict=True)])
    found = reconstruction_loss(torch.from_numpy(made), torch.zeros(5), torch.from_numpy(seen))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_the_mean_is_off_by_one_variance() -> None:
    x = torch.randn(1000, 7, dtype=torch.float64)
    x = (x - x.mean(0)) / x.std(0, correction=0)
    assert reconstruction_loss(torch.zeros_like(x), x, x).item() == pytest.approx(1.0)


def test_psnr_by_hand() -> None:
    black = torch.zeros(2, 4, dtype=torch.uint8)
    grey = torch.tensor([[0, 0, 0, 10], [0, 0, 10, 0]], dtype=torch.uint8)  # mean square 25
    assert psnr(grey, black, 255.0) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr(grey / 255, black / 255, 1.0) == pytest.approx(20 * math.log10(255 / 5), rel=1e-6)
    assert psnr(black, black, 255.0) == math.inf


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"reconstructions of the inputs \(3, 4\), got \(3, 10\); choose an auto-enc"):
        reconstruction_loss(torch.zeros(3, 10), torch.zeros(3), torch.zeros(3, 4))
    with pytest.raises(ConfigError, match="peak"):
        psnr(torch.zeros(2), torch.zeros(2), 0.0)


def test_error_is_the_sum_of_the_examples_own() -> None:
    random = np.random.default_rng(1)
    made, seen = random.normal(size=(6, 3, 2)), random.normal(size=(6, 3, 2))
    expected = sum(np.mean((a - b) ** 2) for a, b in zip(made, seen, strict=True))
    nothing = torch.full((6,), torch.nan)
    whole = reconstruction_error(torch.from_numpy(made), nothing, torch.from_numpy(seen))
    assert whole.item() == pytest.approx(expected, rel=1e-12)
    parts = [
        reconstruction_error(torch.from_numpy(made[part]), nothing[part], torch.from_numpy(seen[part])).item()
        for part in (slice(0, 4), slice(4, 6))
    ]
    assert sum(parts) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ShapeError, match="reconstructions of the inputs"):
        reconstruction_error(torch.zeros(6, 4), nothing, torch.from_numpy(seen))
