import pytest
import torch
import torch.nn.functional as F

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.video_net import VideoNet
from neurarium.nets.recurrent.clip_specs import VideoNetSpec, example_clips


def test_a_kernel_over_time_is_one_over_the_picture_for_each_step_of_it() -> None:
    """W * x of the first layer: three planar convolutions of three neighboring frames, added up."""
    net, clips = VideoNet((4, 2, 8, 8), 3, (5, 6)).double(), torch.randn(2, 4, 2, 8, 8, dtype=torch.float64)
    first = net.layers.convolution1
    found = first(clips.transpose(1, 2))
    wide = F.pad(clips, (0, 0, 0, 0, 0, 0, 1, 1))
    for t in range(4):
        planar = sum(F.conv2d(wide[:, t + k], first.weight[:, :, k], padding=1) for k in range(3))
        torch.testing.assert_close(found[:, :, t], planar + first.bias[:, None, None])


@pytest.mark.parametrize(("frames", "left"), [(10, 2), (4, 1), (1, 1), (3, 1)])
def test_time_is_halved_as_long_as_there_is_some(frames: int, left: int) -> None:
    net = VideoNet((frames, 1, 8, 8), 3, (4, 5, 6))
    assert net.layers(torch.zeros(2, 1, frames, 8, 8)).shape == (2, 6, left, 1, 1)


def test_weights() -> None:
    net = VideoNetSpec(channels=(4, 6)).build(example_clips())
    assert sum(p.numel() for p in net.parameters()) == (27 + 1) * 4 + (27 * 4 + 1) * 6 + 7 * 4


def test_bad_settings_and_bad_clips() -> None:
    with pytest.raises(ConfigError, match=r"net\.channels"):
        VideoNetSpec(channels=())
    with pytest.raises(ConfigError, match=r"net\.dropout"):
        VideoNetSpec(dropout=1.0)
    with pytest.raises(ShapeError, match="at least 16, which are halved 4 times, got 12 x 12"):
        VideoNetSpec(channels=(2, 2, 2, 2)).build(example_clips())
    with pytest.raises(ShapeError, match="layer convolution1"):
        VideoNet((4, 1, 8, 8), 2)(torch.zeros(4, 1, 8, 8))
