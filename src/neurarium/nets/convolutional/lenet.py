"""LeNet-5 as it is used today: max pooling, any activation, a linear output layer.

| layer | makes | from a 32 x 32 image |
|---|---|---|
| c1 | convolution 5 x 5 | 6 @ 28 x 28 |
| s2 | max pooling 2 x 2 | 6 @ 14 x 14 |
| c3 | convolution 5 x 5 | 16 @ 10 x 10 |
| s4 | max pooling 2 x 2 | 16 @ 5 x 5 |
| c5 | linear | 120 |
| f6 | linear | 84 |
| output | linear | 10 |

61,706 parameters for one channel and ten classes. c5 covers all of s4, so the 5 x 5 convolution of the
original is a linear layer. Images under 32 pixels get a margin of 2, as digits of 28 do in the original.

Shapes: batch, channels, height, width.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
1998; `lenet_1998` is what they printed.
"""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.interfaces import Layered
from neurarium.nets.parts.activation import activation as find_activation
from neurarium.nets.parts.flat import check_shape
from neurarium.nets.parts.initial import initialize_layer_

KERNEL = 5
PRINTED_SIZE = 32
LEAST_SIZE = 12


def margin(height: int, width: int) -> int:
    """Pixels of zeros around the image: 2 where a side is under 32, else none."""
    return 2 if min(height, width) < PRINTED_SIZE else 0


def map_size(height: int, width: int) -> tuple[int, int]:
    """Size of the maps of s4: twice a 5 x 5 convolution and a halving, impossible below 12 x 12 (ShapeError)."""
    if min(height, width) < LEAST_SIZE:
        raise ShapeError(
            "input of layer c1",
            expected=f"images of at least {LEAST_SIZE} x {LEAST_SIZE} pixels",
            got=f"{height} x {width}",
            remedy="enlarge the images or choose the net mlp",
        )
    pad = margin(height, width)

    def through(side: int) -> int:
        return ((side + 2 * pad - KERNEL + 1) // 2 - KERNEL + 1) // 2

    return through(height), through(width)


class LeNet5(nn.Module, Layered):
    """LeNet-5 with max pooling; faster in `torch.channels_last` memory format. Raises ShapeError: images too small."""

    def __init__(
        self, channels: int = 1, size: int | tuple[int, int] = 28, outputs: int = 10, activation: str = "relu"
    ) -> None:
        super().__init__()
        height, width = (size, size) if isinstance(size, int) else size
        rows, columns = map_size(height, width)
        self.image_shape = (channels, height, width)
        phi = find_activation(activation)

        def pooled(pool: str, after: str) -> list[tuple[str, nn.Module]]:
            # max(phi(a), phi(b)) = phi(max(a, b)) where phi never falls: then pooling goes first, the same
            # function with a quarter of the activations to compute.
            steps: list[tuple[str, nn.Module]] = [(pool, nn.MaxPool2d(2)), (f"{after}_{activation}", phi.module())]
            return steps if phi.monotone else steps[::-1]

        self.layers = nn.Sequential(
            OrderedDict(
                [
                    ("c1", nn.Conv2d(channels, 6, KERNEL, padding=margin(height, width))),
                    *pooled("s2", after="c1"),
                    ("c3", nn.Conv2d(6, 16, KERNEL)),
                    *pooled("s4", after="c3"),
                    ("flatten", nn.Flatten()),
                    ("c5", nn.Linear(16 * rows * columns, 120)),
                    (f"c5_{activation}", phi.module()),
                    ("f6", nn.Linear(120, 84)),
                    (f"f6_{activation}", phi.module()),
                    ("output", nn.Linear(84, outputs)),
                ]
            )
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                initialize_layer_(layer, "he", activation)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of images (batch, channels, height, width). Raises ShapeError: another shape than it was built for."""
        return self.layers(self.entering(x))

    def entering(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch channels height width"]:
        """The images, checked."""
        check_shape(x, self.image_shape, "c1", "images")
        return x
