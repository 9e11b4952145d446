"""The three nets of MTCNN, a cascade that finds faces: each looks closer at what the one before has left over.

| net | sees | layers (c = convolution + PReLU, m = max pooling, halving) | says |
|---|---|---|---|
| P-Net | any size, windows of 12 x 12 every 2 pixels | c3 10, m2, c3 16, c3 32 | face?, box |
| R-Net | 24 x 24 | c3 28, m3, c3 48, m3, c2 64, linear 128 | face?, box |
| O-Net | 48 x 48 | c3 32, m3, c3 64, m3, c3 64, m2, c2 128, linear 256 | face?, box, 5 landmarks |

P-Net has no linear layer, so that on a large image it answers for every window at once, as if slid over it, without
computing anything twice. Pooling keeps a window that hangs over the edge (ceil mode).

Images are red, green and blue, scaled to (pixel - 127.5) / 128.

Source: K. Zhang, Z. Zhang, Z. Li, Y. Qiao, "Joint face detection and alignment using multitask cascaded convolutional
networks", 2016.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.weights.converting import columns_from, renamed
from neurarium.nets.weights.loading import load_weights
from neurarium.nets.weights.reading import read_weights

P_WINDOW, R_SIZE, O_SIZE = 12, 24, 48
Stage = tuple[int, int, int]
"""Output channels, kernel, window of the pooling behind (0: none)."""


class Faces(NamedTuple):
    """What a net says of each image, or of each window: the positions behind, for P-Net."""

    scores: Float[Tensor, "batch 2 *positions"]
    """Logits of no face and face; softmax over axis 1 makes them probabilities."""
    boxes: Float[Tensor, "batch 4 *positions"]
    """Left, top, right and bottom edge of the face less those of the window, in sides of the window."""
    landmarks: Float[Tensor, "batch 10"] | None = None
    """x of eyes, nose and corners of the mouth, then their y, in sides of the window; of O-Net alone."""


def stages(channels: int, *sizes: Stage) -> OrderedDict[str, nn.Module]:
    """Convolution, PReLU and pooling of each stage, named conv1, prelu1, pool1, conv2, ..."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for n, (kernels, kernel, window) in enumerate(sizes, start=1):
        layers[f"conv{n}"] = nn.Conv2d(channels, kernels, kernel)
        layers[f"prelu{n}"] = nn.PReLU(kernels)
        if window:
            layers[f"pool{n}"] = nn.MaxPool2d(window, 2, ceil_mode=True)
        channels = kernels
    return layers


class PNet(nn.Module):
    """Proposal net: for every window of 12 x 12, at steps of 2 pixels, whether it holds a face and where."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(stages(3, (10, 3, 2), (16, 3, 0), (32, 3, 0)))
        self.scores = nn.Conv2d(32, 2, 1)
        self.boxes = nn.Conv2d(32, 4, 1)

    def forward(self, x: Float[Tensor, "..."]) -> Faces:
        """Answers for images (batch, 3, height, width) of at least 12 x 12 pixels, else ShapeError."""
        if x.dim() != 4 or x.shape[1] != 3 or min(x.shape[2:]) < P_WINDOW:
            raise ShapeError(
                "input of layer conv1",
                expected=f"(batch, 3, height, width) of at least {P_WINDOW} x {P_WINDOW} pixels",
                got=str(tuple(x.shape)),
            )
        maps = self.layers(x)
        return Faces(self.scores(maps), self.boxes(maps))


class RNet(nn.Module):
    """Refinement net: whether an image of 24 x 24 pixels holds a face, and where its edges are."""

    flattened = (64, 3, 3)
    """Maps that the linear layer sees."""

    def __init__(self) -> None:
        super().__init__()
        layers = stages(3, (28, 3, 3), (48, 3, 3), (64, 2, 0))
        layers |= {"flatten": nn.Flatten(), "dense4": nn.Linear(64 * 3 * 3, 128), "prelu4": nn.PReLU(128)}
        self.layers = nn.Sequential(layers)
        self.scores = nn.Linear(128, 2)
        self.boxes = nn.Linear(128, 4)

    def forward(self, x: Float[Tensor, "..."]) -> Faces:
        """Answers for a batch of images (batch, 3, 24, 24). Raises ShapeError: other images."""
        _check(x, R_SIZE)
        hidden = self.layers(x)
        return Faces(self.scores(hidden), self.boxes(hidden))


class ONet(nn.Module):
    """Output net: whether an image of 48 x 48 pixels holds a face, where its edges, eyes, nose and mouth are."""

    flattened = (128, 3, 3)
    """Maps that the linear layer sees."""

    def __init__(self) -> None:
        super().__init__()
        layers = stages(3, (32, 3, 3), (64, 3, 3), (64, 3, 2), (128, 2, 0))
        layers |= {"flatten": nn.Flatten(), "dense5": nn.Linear(128 * 3 * 3, 256), "prelu5": nn.PReLU(256)}
        self.layers = nn.Sequential(layers)
        self.scores = nn.Linear(256, 2)
        self.boxes = nn.Linear(256, 4)
        self.landmarks = nn.Linear(256, 10)

    def forward(self, x: Float[Tensor, "..."]) -> Faces:
        """Answers for a batch of images (batch, 3, 48, 48). Raises ShapeError: other images."""
        _check(x, O_SIZE)
        hidden = self.layers(x)
        return Faces(self.scores(hidden), self.boxes(hidden), self.landmarks(hidden))


AnyNet = TypeVar("AnyNet", PNet, RNet, ONet)


def converted(tensors: Mapping[str, Tensor], flattened: tuple[int, int, int] | None) -> dict[str, Tensor]:
    """Give the tensors of facenet-pytorch our names and our order of flattened positions.

    Its weights came from Caffe by way of MATLAB: the linear layer counts positions as (width, height, channels).
    """
    rules = [
        (r"^(?:conv|dense)\d_1\.", "scores."),
        (r"^(?:conv|dense)\d_2\.", "boxes."),
        (r"^dense\d_3\.", "landmarks."),
        (r"^((?:conv|prelu|dense)\d\.)", r"layers.\1"),
    ]
    result = renamed(tensors, rules)
    if flattened is not None:
        for name, tensor in result.items():
            # another net's weights are left as they are, for `load_weights` to say what does not fit
            if tensor.ndim == 2 and tensor.shape[1] == math.prod(flattened):
                result[name] = columns_from(tensor, flattened, "whc")
    return result


def with_public_weights(net: AnyNet, path: str | Path) -> AnyNet:
    """Load what facenet-pytorch ships (`facenet_pytorch/data/pnet.pt`, rnet.pt, onet.pt; MIT license); evaluation mode.

    Raises DataError: no such file, or a damaged one; ConfigError, ShapeError: weights of another net, by name.
    """
    flattened = None if isinstance(net, PNet) else net.flattened
    load_weights(net, converted(read_weights(path), flattened), str(path))
    return net.eval()


def _check(x: Tensor, size: int) -> None:
    if x.dim() != 4 or x.shape[1:] != (3, size, size):
        raise ShapeError(
            "input of layer conv1",
            expected=f"images (batch, 3, {size}, {size})",
            got=str(tuple(x.shape)),
            remedy="cut the window out and resize it",
        )
