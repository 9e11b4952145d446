"""Voice activity: whether someone speaks, chunk of sound by chunk of sound, while the sound comes in.

A chunk is 512 samples at 16 kHz, 32 ms; it is heard with the 64 samples before it.

| layer | what it does | channels | frames |
|---|---|---|---|
| spectrum | absolute values of Fourier transforms of 256 samples (Hann window) every 128, the end mirrored | 129 | 4 |
| conv1 | 3 frames, ReLU | 128 | 4 |
| conv2 | 3 frames, every 2nd, ReLU | 64 | 2 |
| conv3 | 3 frames, every 2nd, ReLU | 64 | 1 |
| conv4 | 3 frames, ReLU | 128 | 1 |
| cell | LSTM, from chunk to chunk | 128 | 1 |
| output | ReLU, linear | 1 logit | 1 |

243,585 parameters.

Source: Silero Team, "Silero VAD: pre-trained enterprise-grade voice activity detector, number detector and language
classifier", 2024; weights of the package silero-vad (MIT license).
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.nets.parts.padded import check_padded
from neurarium.nets.recurrent.encoder import CausalEncoder, State
from neurarium.nets.recurrent.lstm import LSTM
from neurarium.nets.weights.converting import renamed
from neurarium.nets.weights.loading import load_weights
from neurarium.nets.weights.reading import read_weights

RATE, CHUNK, CONTEXT = 16_000, 512, 64
_FRAME, _HOP = 256, 128


def spectrum(x: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch 129 frames"]:
    """|sum_n w_n x_(128 m + n) exp(-2 pi i k n / 256)| for frames m, frequencies k; the last 64 samples mirrored."""
    window = torch.hann_window(_FRAME, dtype=x.dtype, device=x.device)
    ended = F.pad(x, (0, CONTEXT), "reflect")
    return torch.stft(ended, _FRAME, _HOP, window=window, center=False, return_complex=True).abs()


def chunked(samples: Float[Tensor, "..."]) -> Float[Tensor, "batch chunks 512"]:
    """Sound (batch, samples) as chunks, with silence behind the last sample. Raises ShapeError: no samples.

    Example:
        >>> chunked(torch.ones(1, 600)).sum(2)
        tensor([[512.,  88.]])
    """
    if samples.ndim != 2 or not samples.shape[1]:
        raise ShapeError("sound", expected="samples of shape (batch, samples)", got=f"shape {tuple(samples.shape)}")
    return F.pad(samples, (0, -samples.shape[1] % CHUNK)).unflatten(1, (-1, CHUNK))


class VoiceActivity(CausalEncoder, nn.Module):
    """The net above: a chunk is a step; its state the end of the sound, and those of the cell."""

    features = 1

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(_FRAME // 2 + 1, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.cell = LSTM(128, 128)
        self.output = nn.Linear(128, 1)

    def forward(
        self, x: Float[Tensor, "..."], lengths: Int[Tensor, "..."] | None = None
    ) -> Float[Tensor, "batch chunks 1"]:
        """Logits that someone speaks in each chunk, of sound (batch, chunks, 512) at 16 kHz between -1 and 1.

        Raises ShapeError: other dimensions, or lengths, in chunks, that the rows cannot have.
        """
        check_padded(x, lengths, "layer conv1", "chunks", CHUNK)
        silence = x.new_zeros(len(x), 1, CONTEXT)
        context = torch.cat([silence, x[:, :-1, -CONTEXT:]], 1)
        heard = self._heard(torch.cat([context, x], 2).flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.output(F.relu(self.cell(heard)))

    def start(self, batch: int, like: Tensor) -> State:
        """Silence, and a cell that has heard nothing."""
        return (like.new_zeros(batch, CONTEXT), *self.cell.start(batch, like))

    def step(self, x: Float[Tensor, "batch 512"], state: State) -> tuple[Float[Tensor, "batch 1"], State]:
        """Logit of one more chunk."""
        context, *before = state
        h, after = self.cell.step(self._heard(torch.cat([context, x], 1)), tuple(before))
        return self.output(F.relu(h)), (x[:, -CONTEXT:], *after)

    def _heard(self, x: Float[Tensor, "rows 576"]) -> Float[Tensor, "rows 128"]:
        """What the cell is told of a chunk behind its context."""
        h = spectrum(x)
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            h = F.relu(convolution(h))
        return h.squeeze(2)


def converted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of silero-vad our names, in either file; its table of the Fourier transform is computed here."""
    names = {f"model.encoder.{n - 1}.reparam_conv": f"conv{n}" for n in range(1, 5)}
    names |= {"model.decoder.rnn": "cell", "model.decoder.decoder.2": "output"}  # in the ONNX file
    names |= {"lstm_cell": "cell", "final_conv": "output"}  # in the safetensors file
    rules = [
        (r"^(stft_conv\.weight|model\.stft\.forward_basis_buffer)$", ""),
        *((rf"^{re.escape(old)}\.", f"{new}.") for old, new in names.items()),
    ]
    result = renamed(tensors, rules)
    output = result.get("output.weight")
    # another net's weights are left as they are, for `load_weights` to say what does not fit
    if output is not None and output.shape[2:] == (1,):
        result["output.weight"] = output.squeeze(2)
    return result


def with_public_weights(net: VoiceActivity, path: str | Path) -> VoiceActivity:
    """Load what silero-vad ships (MIT license); evaluation mode.

    `silero_vad/data/silero_vad_16k_op15.onnx` holds the weights that the package itself uses,
    silero_vad_16k.safetensors, beside it in release 6.2.3, those of another training.

    Raises DataError: no such file, or a damaged one; ConfigError, ShapeError: weights of another net, by name;
    ConfigError: the package onnx is not installed.
    """
    load_weights(net, converted(read_weights(path)), str(path))
    return net.eval()
