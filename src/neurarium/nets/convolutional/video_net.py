"""3-D convolutional net: kernels that slide over time as over the image see motion as a pattern.

    x_0 = clip,    x_l = maxpool(relu(W_l * x_(l-1) + b_l))  for l = 1 .. L
    logits = V m + b,    m the mean of x_L over time and place

Kernels are 3 x 3 x 3 (time, height, width); the first pooling leaves time as it is, the others halve it, as long as
there are two steps or more. A mean over all that is left makes the answer one of the whole clip.

Source: D. Tran et al., "Learning spatiotemporal features with 3D convolutional networks", 2015, whose head is three
fully connected layers.
"""

from collections import OrderedDict
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.parts.clips import ClipShape, check_clips
from neurarium.nets.parts.initial import initialize_layer_


class VideoNet(nn.Module):
    """The net above.

    Args:
        shape: of a clip.
        outputs: logits of an answer.
        channels: of each layer.
        dropout: probability of dropping one of the numbers that the last layer sees.
    Raises ShapeError: frames so small that nothing would be left.
    """

    def __init__(
        self, shape: ClipShape, outputs: int, channels: Sequence[int] = (16, 32, 64), dropout: float = 0.0
    ) -> None:
        super().__init__()
        steps, below, height, width = self.shape = shape
        if min(height, width) < 2 ** len(channels):
            raise ShapeError(
                "frames",
                expected=f"sides of at least {2 ** len(channels)}, which are halved {len(channels)} times",
                got=f"{height} x {width}",
                remedy="give net.channels fewer layers",
            )
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for l, above in enumerate(channels, 1):
            layers[f"convolution{l}"] = convolution = nn.Conv3d(below, above, 3, padding=1)
            initialize_layer_(convolution, "he")
            layers[f"relu{l}"] = nn.ReLU()
            over = 2 if l > 1 and steps > 1 else 1
            layers[f"pool{l}"] = nn.MaxPool3d((over, 2, 2))
            below, steps = above, steps // over
        self.layers = nn.Sequential(layers)
        self.dropout, self.output = nn.Dropout(dropout), nn.Linear(below, outputs)
        initialize_layer_(self.output, "lecun")

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of clips (batch, time, channels, height, width). Raises ShapeError: other clips."""
        check_clips(x, self.shape, "layer convolution1")
        return self.output(self.dropout(self.layers(x.transpose(1, 2)).mean((2, 3, 4))))
