from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.receptive_field import field_of_layers
from neurarium.nets.convolutional.resnet import ResidualBlock, ResNet, padded_shortcut
from neurarium.nets.parts.normalization.batch import BatchNorm
from neurarium.nets.summary import summarize


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    ("depth", "published"), [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)]
)
def test_parameters_of_small_forms(depth: int, published: int) -> None:
    n = (depth - 2) // 6
    maps = [3, 16, *[16] * 2 * n, *[32] * 2 * n, *[64] * 2 * n]
    by_hand = sum(9 * a * b + 2 * b for a, b in pairwise(maps)) + 65 * 10
    with torch.device("meta"):
        padded, plain = ResNet(depth, outputs=10), ResNet(depth, outputs=10, shortcut="none")
        projected = ResNet(depth, outputs=10, shortcut="projection")
    assert count(padded) == count(plain) == by_hand == published
    assert count(projected) == by_hand + 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert sum(p.ndim > 1 for p in plain.parameters()) == depth


@pytest.mark.parametrize(
    ("depth", "published"),
    [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808)],
)
def test_parameters_of_large_forms(depth: int, published: int) -> None:
    with torch.device("meta"):
        assert count(ResNet(depth)) == published
        plain = ResNet(depth, shortcut="none")
    assert sum(p.ndim > 1 for p in plain.parameters()) == depth


def test_the_stride_of_a_bottleneck_is_in_its_middle() -> None:
    with torch.device("meta"):
        block = ResNet(50).stages.stage2.block1
    assert [block.branch[i].stride for i in (0, 3, 6)] == [(1, 1), (2, 2), (1, 1)]
    assert block.shortcut.conv.stride == (2, 2)


def _normal(x: Tensor) -> Tensor:
    return (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("shortcut", ["usual", "projection", "none"])
def test_the_small_form_written_out(shortcut: str) -> None:
    torch.manual_seed(0)
    net = ResNet(20, channels=2, outputs=3, shortcut=shortcut).double()
    w = {name: p for name, p in net.named_parameters() if "conv" in name}
    x = torch.randn(4, 2, 13, 16, dtype=torch.float64)
    y = _normal(F.conv2d(x, w["stages.stem.conv1.weight"], padding=1)).relu()
    for s in (1, 2, 3):
        for b in (1, 2, 3):
            path, stride = f"stages.stage{s}.block{b}", 2 if s > 1 and b == 1 else 1
            change = _normal(F.conv2d(y, w[f"{path}.branch.conv1.weight"], stride=stride, padding=1)).relu()
            change = _normal(F.conv2d(change, w[f"{path}.branch.conv2.weight"], padding=1))
            if shortcut == "none":
                y = change.relu()
                continue
            straight = y[:, :, ::stride, ::stride]
            if stride == 2 and shortcut == "projection":
                straight = _normal(
                    torch.einsum("oi,bihw->bohw", w[f"{path}.shortcut.conv.weight"][:, :, 0, 0], straight)
                )
            elif stride == 2:
                straight = torch.cat([straight, torch.zeros_like(straight)], 1)
            y = (straight + change).relu()
    torch.testing.assert_close(net(x), net.output(y.mean((2, 3))))


def test_plain_and_residual_nets_make_maps_of_the_same_shapes() -> None:
    with torch.device("meta"):
        nets = [ResNet(56, channels=1, outputs=10, shortcut=way) for way in ("usual", "none")]
        sizes = [[(row.name, row.output) for row in summarize(net, (1, 28, 28)).rows] for net in nets]
    kept = [[(name, size) for name, size in rows if "shortcut" not in name] for rows in sizes]
    assert kept[0] == kept[1]
    assert ("stages.stage3.block1.branch.conv1", (64, 7, 7)) in kept[0]


def test_padded_shortcut() -> None:
    x = torch.randn(2, 3, 5, 4)
    y = padded_shortcut(x, 5, 2)
    assert y.shape == (2, 5, 3, 2)
    for i in range(3):
        for j in range(2):
            assert torch.equal(y[:, :3, i, j], x[:, :, 2 * i, 2 * j])
    assert not y[:, 3:].any()


def test_with_gamma_zero_every_block_begins_as_its_shortcut() -> None:
    torch.manual_seed(0)
    net = ResNet(20, channels=1, outputs=3, zero_gamma=True)
    x = torch.randn(2, 1, 28, 28)
    stem = net.stages.stem(x)
    expected = F.pad(stem[:, :, ::4, ::4], (0, 0, 0, 0, 0, 48))
    assert torch.equal(net.stages(x), expected)
    gammas = [block.branch[-1].weight for block in net.modules() if isinstance(block, ResidualBlock)]
    assert len(gammas) == 9
    net(x).square().sum().backward()
    assert all(gamma.grad is not None and gamma.grad.any() for gamma in gammas)
    others = [m for m in net.modules() if isinstance(m, BatchNorm) and not any(m.weight is g for g in gammas)]
    assert all((m.weight == 1).all() for m in others)


@pytest.mark.parametrize("depth", [20, 50])
def test_receptive_field_of_the_last_maps(depth: int) -> None:
    if depth == 20:
        windows = [(3, 1)] * 7 + ([(3, 2)] + [(3, 1)] * 5) * 2
    else:
        windows = [(7, 2), (3, 2)] + [(3, 1)] * 3
        for blocks in (4, 6, 3):
            windows += [(3, 2)] + [(3, 1)] * (blocks - 1)
    size, jump = 1, 1
    for kernel, stride in windows:
        size, jump = size + (kernel - 1) * jump, jump * stride
    with torch.device("meta"):
        layers = ResNet(depth).stages.named_modules()
    for field in field_of_layers(layer for name, layer in layers if "shortcut" not in name):
        assert (field.size, field.jump) == (size, jump)
    assert (size, jump) == ((81, 4) if depth == 20 else (427, 32))


def test_wrong_settings() -> None:
    with pytest.raises(ConfigError, match=r"depth: expected one of 20, 32, .*, got 21"):
        ResNet(21)
    with pytest.raises(ConfigError, match="shortcut: expected one of usual, padded, projection, none"):
        ResNet(20, shortcut="paded")
    with pytest.raises(ConfigError, match="zero_gamma: expected a net with shortcuts"):
        ResNet(20, shortcut="none", zero_gamma=True)
