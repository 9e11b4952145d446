import pytest
import torch
import torch.nn.functional as F

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.clip_specs import ConvLSTMSpec, example_clips
from neurarium.nets.recurrent.conv_lstm_net import ClipReader, ConvLSTMClassifier, ConvLSTMForecaster
from neurarium.record.schema import Field, Schema

CLIPS = {"clip": Field((5, 1, 8, 8))}


def test_patches_become_channels_and_layers_read_each_other() -> None:
    reader = ClipReader((3, 1, 4, 4), (2, 3), patch=2)
    clips = torch.arange(48.0).view(1, 3, 1, 4, 4) / 48
    patches = torch.stack([clips[0, :, 0, dy::2, dx::2] for dy in range(2) for dx in range(2)], 1)[None]
    first, lowest = reader.layers[0](patches)
    second, topmost = reader.layers[1](first)
    maps, states = reader(clips)
    assert torch.equal(maps, second)
    assert all(torch.equal(a, b) for a, b in zip([*states[0], *states[1]], [*lowest, *topmost], strict=True))


def test_the_classifier_answers_from_its_last_step() -> None:
    net, clips = ConvLSTMClassifier((5, 1, 8, 8), 4, (6,), patch=4), torch.randn(2, 5, 1, 8, 8)
    maps, _ = net.reader(clips)
    torch.testing.assert_close(net(clips), net.output(maps[:, 4].mean((2, 3))))
    assert sum(p.numel() for p in net.parameters()) == 24 * (16 + 6) * 9 + 24 + 7 * 4


def test_the_forecaster_runs_on_from_what_was_read() -> None:
    """Frame by frame, its layers in reverse order."""
    net, clips = ConvLSTMForecaster((3, 1, 4, 4), 2, 3, (2, 5), patch=2).double(), torch.randn(2, 3, 1, 4, 4).double()
    _, (lowest, topmost) = net.reader(clips)
    said, (first, second) = [], net.layers
    for _ in range(2):
        topmost = first.step(clips.new_zeros(2, 0, 2, 2), topmost)
        lowest = second.step(topmost[0], lowest)
        said.append(F.pixel_shuffle(net.output(torch.cat([topmost[0], lowest[0]], 1)), 2))
    torch.testing.assert_close(net(clips), torch.stack(said, 1))
    assert net(clips).shape == (2, 2, 3, 4, 4)


def test_the_target_decides_what_is_built() -> None:
    for target, kind in (
        (Field((2, 1, 8, 8)), ConvLSTMForecaster),
        (Field((2, 1, 4, 4)), ConvLSTMClassifier),
        (Field(()), ConvLSTMClassifier),
        (Field((), ("a", "b")), ConvLSTMClassifier),
    ):
        assert type(ConvLSTMSpec().build(Schema(CLIPS, {"y": target}))) is kind


def test_bad_settings_and_bad_clips() -> None:
    for changes, says in (({"kernel": 2}, "kernel"), ({"hidden": ()}, "hidden"), ({"patch": 0}, "patch")):
        with pytest.raises(ConfigError, match=f"net.{says}"):
            ConvLSTMSpec(**changes)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="multiples of the patch, 5"):
        ConvLSTMSpec(patch=5).build(example_clips())
    with pytest.raises(ShapeError, match=r"conv-lstm input: expected clips .* got x \(1 x 8 x 8\)"):
        ConvLSTMSpec().build(Schema({"x": Field((1, 8, 8))}, example_clips().targets))
    with pytest.raises(ShapeError, match=r"layer reader: expected clips of shape \(batch, 5, 1, 12, 12\)"):
        ConvLSTMSpec().build(example_clips())(torch.zeros(2, 4, 1, 12, 12))
