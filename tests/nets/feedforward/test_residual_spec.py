import subprocess
import sys

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.feedforward.residual_mlp import ResidualMLP
from neurarium.nets.feedforward.residual_spec import ResidualMLPSpec
from neurarium.record.schema import image_schema


def test_builds_the_depth_and_width_asked_for() -> None:
    net = ResidualMLPSpec(width=9, depth=7, maps=2, activation="tanh").build(image_schema((2, 3), 4))
    assert isinstance(net, ResidualMLP)
    assert len(net.layers) == 8
    # layer 1: V, two maps with biases; layers 2..7: two maps; output
    assert sum(p.numel() for p in net.parameters()) == 9 * 6 + 9 * 7 + 9 * 10 + 6 * 2 * 9 * 10 + 4 * 10
    assert net(torch.zeros(5, 2, 3)).shape == (5, 4)


@pytest.mark.parametrize("field", ["width", "depth", "maps"])
def test_sizes_below_one(field: str) -> None:
    with pytest.raises(ConfigError, match=f"net.{field}"):
        ResidualMLPSpec(**{field: 0})


def test_no_torch_until_built() -> None:
    code = "import sys, neurarium.nets.feedforward.residual_spec; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
