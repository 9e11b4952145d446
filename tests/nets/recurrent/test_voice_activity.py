"""Voice activity with silero-vad's weights against what silero-vad computes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.nets.recurrent.encoder import stepped
from neurarium.nets.recurrent.voice_activity import VoiceActivity, chunked, spectrum, with_public_weights

REFERENCE = Path(__file__).parents[2] / "reference" / "silero_vad.npz"


@pytest.fixture
def weights() -> Path:
    found = importlib.util.find_spec("silero_vad")
    if found is None or found.origin is None:
        pytest.skip("needs the package silero-vad: pip install --no-deps silero-vad==6.2.3")
    return Path(found.origin).parent / "data"


def test_public_weights_hear_what_they_hear_elsewhere(weights: Path) -> None:
    pytest.importorskip("onnx")
    net = with_public_weights(VoiceActivity(), weights / "silero_vad_16k_op15.onnx")
    with np.load(REFERENCE) as stored, torch.no_grad():
        chunks = torch.from_numpy(stored["chunks"])[None]
        for logits in (net(chunks), stepped(net, chunks)):
            np.testing.assert_allclose(logits[0, :, 0].sigmoid().numpy(), stored["prob"], rtol=0, atol=1e-5)


def _by_parts_of_torch(tensors: dict[str, Tensor], x: Tensor) -> list[float]:
    """The same net as the package spells it for another library, its Fourier transform a table in the file."""
    cell = torch.nn.LSTMCell(128, 128)
    cell.load_state_dict({name.removeprefix("lstm_cell."): t for name, t in tensors.items() if "lstm" in name})
    sound, state, said = F.pad(x.flatten(), (64, 0)), None, []
    for begin in range(0, x.numel(), 512):
        h = F.conv1d(
            F.pad(sound[None, None, begin : begin + 576], (0, 64), "reflect"), tensors["stft_conv.weight"], stride=128
        )
        h = torch.hypot(*h.chunk(2, 1))
        for n, stride in enumerate((1, 2, 2, 1), start=1):
            h = F.conv1d(h, tensors[f"conv{n}.weight"], tensors[f"conv{n}.bias"], stride, 1).relu()
        state = cell(h[:, :, 0], state)
        logit = F.conv1d(state[0][:, :, None].relu(), tensors["final_conv.weight"], tensors["final_conv.bias"])
        said.append(float(logit.sigmoid()))
    return said


def test_the_other_file_against_parts_of_torch(weights: Path) -> None:
    path = weights / "silero_vad_16k.safetensors"
    net = with_public_weights(VoiceActivity(), path)
    with np.load(REFERENCE) as stored, torch.no_grad():
        chunks = torch.from_numpy(stored["chunks"])[None, :8]
        expected = _by_parts_of_torch(safetensors.torch.load_file(path), chunks)
        np.testing.assert_allclose(net(chunks)[0, :, 0].sigmoid().numpy(), expected, rtol=0, atol=1e-5)


def test_spectrum_of_a_sine() -> None:
    """A sine of whole periods in a frame: half its amplitude times the sum of the window, at its frequency."""
    n = torch.arange(576, dtype=torch.float64)
    found = spectrum(0.5 * torch.sin(2 * torch.pi * 16 * n / 256)[None])[0, :, 0]
    assert found.argmax() == 16
    assert float(found[16]) == pytest.approx(0.5 / 2 * 128)


def test_padding_changes_nothing_and_steps_are_the_whole() -> None:
    net, x = VoiceActivity(), torch.randn(2, 5, 512) / 10
    with torch.no_grad():
        together = net(x)
        torch.testing.assert_close(stepped(net, x), together)
        x[0, 3:] = 7
        torch.testing.assert_close(net(x, torch.tensor([3, 5]))[0, :3], together[0, :3])


def test_sound_in_chunks() -> None:
    chunks = chunked(torch.arange(1.0, 1025.0)[None])
    assert chunks.shape == (1, 2, 512)
    assert chunks[0, 1, 0] == 513
    with pytest.raises(ShapeError, match=r"\(batch, samples\), got shape \(5,\)"):
        chunked(torch.zeros(5))
    with pytest.raises(ShapeError, match=r"expected a tensor of shape \(batch, chunks, 512\)"):
        VoiceActivity()(torch.zeros(1, 3, 256))
