"""Speech encoder: who speaks, as a point on a sphere; what one person says lies close together.

    h_1 ... h_T = three LSTM layers (x_1 ... x_T),    y = relu(W h_T + b),    answer = y / |y|

x_t are the energies of 40 mel bands, 25 ms long, every 10 ms, of sound at 16 kHz; 1.6 s are 160 steps. The cosine of
the angle between two answers, their inner product, says how alike two voices are. 1,423,616 parameters.

Source: L. Wan, Q. Wang, A. Papir, I. Lopez Moreno, "Generalized end-to-end loss for speaker verification", 2018;
weights of resemblyzer (Resemble AI, Apache 2.0 license), which are trained with a relu that the paper lacks.
"""

from collections.abc import Mapping
from pathlib import Path

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.parts.padded import check_padded, last_of
from neurarium.nets.recurrent.encoder import CausalStack
from neurarium.nets.recurrent.lstm import LSTM
from neurarium.nets.weights.converting import renamed
from neurarium.nets.weights.loading import load_weights
from neurarium.nets.weights.reading import read_weights

BANDS, HIDDEN, LAYERS, EMBEDDING = 40, 256, 3, 256


class SpeechEncoder(nn.Module):
    """The net above."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = CausalStack(LSTM(HIDDEN if layer else BANDS, HIDDEN) for layer in range(LAYERS))
        self.output = nn.Linear(HIDDEN, EMBEDDING)

    def forward(
        self, x: Float[Tensor, "..."], lengths: Int[Tensor, "..."] | None = None
    ) -> Float[Tensor, "batch embedding"]:
        """Points of length 1 for padded rows (batch, time, 40) of mel energies; 0 where the relu lets nothing through.

        Raises ShapeError: other dimensions, or lengths that the rows cannot have.
        """
        check_padded(x, lengths, "the encoder", "time", BANDS)
        h = self.encoder(x, lengths)
        return F.normalize(F.relu(self.output(h[:, -1] if lengths is None else last_of(h, lengths))), dim=1)


def converted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of resemblyzer our names, and leave out what only its training needed."""
    rules = [
        (r"^optimizer_state\..*", ""),
        (r"^model_state\.", ""),
        (r"^similarity_(weight|bias)$", ""),  # scale and shift of the loss
        (r"^lstm\.(\w+)_l(\d)$", r"encoder.layers.\2.\1"),
        (r"^linear\.", "output."),
    ]
    return renamed(tensors, rules)


def with_public_weights(net: SpeechEncoder, path: str | Path) -> SpeechEncoder:
    """Load what resemblyzer ships (`resemblyzer/pretrained.pt`; Apache 2.0 license); evaluation mode.

    Raises DataError: no such file, or a damaged one; ConfigError, ShapeError: weights of another net, by name.
    """
    load_weights(net, converted(read_weights(path)), str(path))
    return net.eval()
