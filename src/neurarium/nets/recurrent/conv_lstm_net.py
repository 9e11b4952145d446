"""Nets of convolutional LSTMs for clips: one says what a clip is, one how it goes on.

    p_t = frame t with each patch of a x a pixels made the channels of one place
    h^1 = ConvLSTM(p),  h^l = ConvLSTM(h^(l-1))                               reading
    logits = W mean over the places of h^L_T + b                              classification
    s^1 = ConvLSTM'(nothing; state = the reader's),  s^l = ConvLSTM'(s^(l-1); state = the reader's)
    p_(T+k) = V (s^1_k ; ... ; s^L_k) + b, then patches become pixels again     continuation

The forecaster's layers stand in reverse order: the reader's last layer hands its state to the forecaster's first.

Source: X. Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.parts.clips import ClipShape, check_clips
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.recurrent.conv_lstm import ConvLSTM, MapState


class ClipReader(nn.Module):
    """The reading part: patches, then convolutional LSTMs on each other. Raises ShapeError: patches that do not fit."""

    def __init__(self, shape: ClipShape, hidden: Sequence[int], kernel: int = 3, patch: int = 4) -> None:
        super().__init__()
        _, channels, height, width = self.shape = shape
        if height % patch or width % patch:
            raise ShapeError(
                "frames",
                expected=f"sides that are multiples of the patch, {patch}",
                got=f"{height} x {width}",
                remedy="choose a net.patch that divides both",
            )
        self.patch = patch
        sizes = (channels * patch**2, *hidden)
        self.layers = nn.ModuleList(ConvLSTM(a, b, kernel) for a, b in pairwise(sizes))

    def forward(
        self, x: Float[Tensor, "..."]
    ) -> tuple[Float[Tensor, "batch time hidden rows columns"], list[MapState]]:
        """The last layer's maps at every step, and each layer's last state. Raises ShapeError: other clips."""
        check_clips(x, self.shape, "layer reader")
        maps = F.pixel_unshuffle(x.flatten(0, 1), self.patch).unflatten(0, (-1, x.shape[1]))
        states = []
        for layer in self.layers:
            maps, state = layer(maps)
            states.append(state)
        return maps, states


class ConvLSTMClassifier(nn.Module):
    """The net above that says what a clip is, from its last step."""

    def __init__(
        self,
        shape: ClipShape,
        outputs: int,
        hidden: Sequence[int] = (32,),
        kernel: int = 3,
        patch: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.reader = ClipReader(shape, hidden, kernel, patch)
        self.dropout, self.output = nn.Dropout(dropout), nn.Linear(hidden[-1], outputs)
        initialize_layer_(self.output, "lecun")

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of clips (batch, time, channels, height, width). Raises ShapeError: other clips."""
        maps, _ = self.reader(x)
        return self.output(self.dropout(maps[:, -1].mean((2, 3))))


class ConvLSTMForecaster(nn.Module):
    """The net above that continues clips by `ahead` frames; `following` channels in each."""

    def __init__(
        self,
        shape: ClipShape,
        ahead: int,
        following: int,
        hidden: Sequence[int] = (32,),
        kernel: int = 3,
        patch: int = 4,
    ) -> None:
        super().__init__()
        self.reader, self.ahead = ClipReader(shape, hidden, kernel, patch), ahead
        sizes = (0, *reversed(hidden))
        self.layers = nn.ModuleList(ConvLSTM(a, b, kernel) for a, b in pairwise(sizes))
        self.output = nn.Conv2d(sum(hidden), following * patch**2, 1)
        initialize_layer_(self.output, "lecun")

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch ahead channels height width"]:
        """The next frames of clips (batch, time, channels, height, width). Raises ShapeError: other clips."""
        maps, states = self.reader(x)
        said, s = [], maps.new_zeros(x.shape[0], self.ahead, 0, *maps.shape[3:])
        for layer, state in zip(self.layers, reversed(states), strict=True):
            s, _ = layer(s, state)
            said.append(s)
        patches = self.output(torch.cat(said, 2).flatten(0, 1))
        return F.pixel_shuffle(patches, self.reader.patch).unflatten(0, (-1, self.ahead))
