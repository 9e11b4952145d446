from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.vgg import VGG, SmallVGG

# Table 1 of the paper, columns A, B, D and E.
MAPS = {
    11: [64, 128, 256, 256, 512, 512, 512, 512],
    13: [64, 64, 128, 128, 256, 256, 512, 512, 512, 512],
    16: [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512],
    19: [64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512, 512, 512, 512],
}
PUBLISHED = {11: 132_863_336, 13: 133_047_848, 16: 138_357_544, 19: 143_667_240}


@pytest.mark.parametrize("depth", MAPS)
def test_parameters(depth: int) -> None:
    by_hand = sum(9 * a * b + b for a, b in pairwise([3, *MAPS[depth]]))
    by_hand += 4096 * (512 * 49 + 1) + 4096 * 4097 + 1000 * 4097
    with torch.device("meta"):
        plain, normalized = VGG(depth), VGG(depth, batch_norm=True)
    assert sum(p.numel() for p in plain.parameters()) == by_hand == PUBLISHED[depth]
    assert sum(p.numel() for p in normalized.parameters()) == by_hand + 2 * sum(MAPS[depth])
    assert sum(p.ndim > 1 for p in plain.parameters()) == depth


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_small_form_written_out(batch_norm: bool) -> None:
    torch.manual_seed(0)
    net = SmallVGG(channels=3, outputs=4, width=4, batch_norm=batch_norm, dropout=0.0).double()
    w = {name.split(".", 2)[2] if "stages" in name else name: p for name, p in net.named_parameters()}
    x = torch.randn(5, 3, 24, 24, dtype=torch.float64)
    y = x
    for s in (1, 2, 3):
        for l in (1, 2):
            y = F.conv2d(y, w[f"conv{s}_{l}.weight"], w[f"conv{s}_{l}.bias"], padding=1)
            assert y.shape[1] == 4 * 2 ** (s - 1)
            if batch_norm:  # gamma = 1, beta = 0 in a fresh net
                y = (y - y.mean((0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
            y = y.relu()
        y = y.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
    y = y.flatten(1)  # 3 x 3 maps
    for l in (6, 7):
        y = (y @ w[f"head.linear{l}.weight"].T + w[f"head.linear{l}.bias"]).relu()
    torch.testing.assert_close(net(x), y @ w["head.output.weight"].T + w["head.output.bias"])


def test_wrong_settings() -> None:
    with pytest.raises(ConfigError, match="depth: expected 11, 13, 16 or 19, got 12"):
        VGG(12)
    with pytest.raises(ConfigError, match="dropout"):
        VGG(11, dropout=1.0)
    with pytest.raises(ConfigError, match="width"):
        SmallVGG(width=0)
