import math

import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.psnr import psnr


def test_psnr_by_hand() -> None:
    black = torch.zeros(2, 4, dtype=torch.uint8)
    gray = torch.tensor([[0, 0, 0, 10], [0, 0, 10, 0]], dtype=torch.uint8)  # mean square 25
    assert psnr(gray, black, 255.0) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr(gray / 255, black / 255, 1.0) == pytest.approx(20 * math.log10(255 / 5), rel=1e-6)
    assert psnr(black, black, 255.0) == math.inf


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"outputs: expected the shape \(3, 4\), got \(3, 10\)"):
        psnr(torch.zeros(3, 10), torch.zeros(3, 4), 1.0)
    for peak in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="peak"):
            psnr(torch.zeros(2), torch.zeros(2), peak)
