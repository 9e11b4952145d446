import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.feedforward.linear_probe_spec import LinearProbeSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import Field, Schema, image_schema


@pytest.mark.parametrize("frozen", [True, False])
def test_stands_on_a_copy_of_the_backbones_layer(frozen: bool) -> None:
    backbone = MLPSpec(hidden=(20, 6, 20)).build(image_schema((12,), 3))
    net = LinearProbeSpec("relu2", frozen).build(image_schema((12,), 5), backbone)
    assert net(torch.zeros(2, 12)).shape == (2, 5)
    assert net.output.in_features == 6
    assert torch.equal(net.trunk.layers.linear1.weight, backbone.layers.linear1.weight)
    assert net.trunk.layers.linear1.weight is not backbone.layers.linear1.weight
    assert net.trunk.layers.linear1.weight.requires_grad is not frozen
    assert backbone.layers.linear1.weight.requires_grad


def test_the_same_weights_are_drawn_frozen_or_not() -> None:
    backbone = MLPSpec(hidden=(20, 6)).build(image_schema((12,), 3))
    drawn = []
    for frozen in (True, False):
        torch.manual_seed(1)
        drawn.append(LinearProbeSpec(frozen=frozen).build(image_schema((12,), 5), backbone).output.weight)
    assert torch.equal(*drawn)


def test_needs_a_backbone() -> None:
    assert LinearProbeSpec.needs == "backbone"
    with pytest.raises(ConfigError, match=r"backbone: expected a run .*linear-probe, got none; name .*bottleneck-mlp"):
        LinearProbeSpec().build(image_schema((12,), 3))


def test_needs_examples_of_one_shape() -> None:
    schema = Schema({"x": Field((None, 3), axis="time")}, {"y": Field(())})
    with pytest.raises(ShapeError, match=r"linear-probe input: .*got x \(time x 3\)"):
        LinearProbeSpec().build(schema, MLPSpec().build(image_schema((12,), 3)))
