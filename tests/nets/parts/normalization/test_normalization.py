import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.normalization import AFTER, normalization
from neurarium.nets.parts.normalization.batch import BatchNorm


def test_names() -> None:
    assert isinstance(normalization("batch", 4), BatchNorm)
    assert isinstance(normalization("layer", 4), nn.LayerNorm)
    group = normalization("group", 32)
    assert isinstance(group, nn.GroupNorm)
    assert group.num_groups == 8
    with pytest.raises(ConfigError, match="norm: expected one of batch, layer, group, got 'bach'"):
        normalization("bach", 4)


@pytest.mark.parametrize("name", AFTER)
def test_all_use_one_eps_and_begin_at_gamma_1_beta_0(name: str) -> None:
    norm = normalization(name, 6)
    assert norm.eps == 1e-5
    assert torch.equal(norm.weight, torch.ones(6))
    assert torch.equal(norm.bias, torch.zeros(6))
