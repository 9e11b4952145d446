import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.parts.normalization.group import group_count, group_norm, make_group_norm

DOUBLE = torch.float64


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(4, 6, 5), (2, 6, 3, 4)])
def test_equals_torch_in_value_and_gradient(shape: tuple[int, ...], groups: int) -> None:
    peer = nn.GroupNorm(groups, 6).to(DOUBLE)
    for p in peer.parameters():
        nn.init.normal_(p)
    x = torch.randn(shape, dtype=DOUBLE, requires_grad=True)
    ours, theirs = group_norm(x, groups, peer.weight, peer.bias), peer(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    signal = torch.randn(shape, dtype=DOUBLE)
    (mine,), (right,) = (torch.autograd.grad(y, x, signal) for y in (ours, theirs))
    torch.testing.assert_close(mine, right, rtol=1e-9, atol=1e-10)


def test_as_many_groups_as_features_is_instance_normalization() -> None:
    x, one, zero = torch.randn(2, 3, 4, 5, dtype=DOUBLE), torch.ones(3, dtype=DOUBLE), torch.zeros(3, dtype=DOUBLE)
    torch.testing.assert_close(group_norm(x, 3, one, zero), nn.functional.instance_norm(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("features", range(2, 60))
def test_groups_divide_the_features_and_hold_two_or_more(features: int) -> None:
    count = group_count(features)
    assert features % count == 0
    assert features // count >= 2
    assert not any(features % n == 0 and features >= 2 * n for n in range(count + 1, 9))
    out = make_group_norm(features)(torch.randn(5, features))
    assert out.std(1).min() > 0.5  # nothing is normalized away


def test_errors() -> None:
    with pytest.raises(ShapeError, match="a multiple of 4 groups, got 6"):
        group_norm(torch.zeros(1, 6), 4, torch.ones(6), torch.zeros(6))
    with pytest.raises(ConfigError, match="a layer of one unit"):
        make_group_norm(1)
