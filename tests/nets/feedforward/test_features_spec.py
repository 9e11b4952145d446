import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.feedforward.features_spec import FeaturesSpec
from neurarium.nets.feedforward.specs import MLPSpec


def test_stands_on_a_copy_of_the_sources_layer() -> None:
    source = MLPSpec(hidden=(20, 6, 20)).build((12,), 3)
    net = FeaturesSpec("relu2").build((12,), 5, source)
    assert net(torch.zeros(2, 12)).shape == (2, 5)
    assert net.output.in_features == 6
    assert torch.equal(net.trunk.layers.linear1.weight, source.layers.linear1.weight)
    assert net.trunk.layers.linear1.weight is not source.layers.linear1.weight
    assert source.layers.linear1.weight.requires_grad


def test_needs_a_source() -> None:
    with pytest.raises(ConfigError, match="--source bottleneck-mlp"):
        FeaturesSpec().build((12,), 3)
