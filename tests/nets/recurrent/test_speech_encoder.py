"""The speech encoder with resemblyzer's weights against what resemblyzer computes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.speech_encoder import SpeechEncoder, with_public_weights

REFERENCE = Path(__file__).parents[2] / "reference" / "resemblyzer_lstm.npz"


@pytest.fixture
def net() -> SpeechEncoder:
    found = importlib.util.find_spec("resemblyzer")
    if found is None or found.origin is None:
        pytest.skip("needs the package resemblyzer: pip install --no-deps resemblyzer==0.1.4")
    return with_public_weights(SpeechEncoder(), Path(found.origin).parent / "pretrained.pt")


def test_public_weights_hear_what_they_hear_elsewhere(net: SpeechEncoder) -> None:
    with np.load(REFERENCE) as stored, torch.no_grad():
        found = net(torch.from_numpy(stored["mel"])).numpy()
        np.testing.assert_allclose(found, stored["embed"], rtol=0, atol=1e-5)
    np.testing.assert_allclose((found**2).sum(1), 1, atol=1e-6)


def test_padding_changes_nothing() -> None:
    net, x = SpeechEncoder(), torch.rand(2, 9, 40)
    with torch.no_grad():
        short = net(x[:1, :5])
        x[0, 5:] = 100
        torch.testing.assert_close(net(x, torch.tensor([5, 9]))[:1], short)


def test_as_many_parameters_as_the_source() -> None:
    layers = [4 * 256 * (inputs + 256 + 2) for inputs in (40, 256, 256)]
    assert sum(x.numel() for x in SpeechEncoder().parameters()) == sum(layers) + 257 * 256


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"expected a tensor of shape \(batch, time, 40\)"):
        SpeechEncoder()(torch.zeros(2, 9, 41))
    torch.save(torch.nn.LSTM(40, 256).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ConfigError, match=r"none for encoder\.layers\.0\.weight_ih"):
        with_public_weights(SpeechEncoder(), tmp_path / "other.pt")
