"""A deep convolutional net as stages and a head: features at any stage, and another head for another task.

    x_0 = image,    x_s = stage_s(x_{s-1})  for s = 1 .. S,    logits = head(x_S)

Stages make maps (batch, channels, height, width), each fewer and coarser in space than the one before, or as fine; the
head turns the last maps into one logit a class, and its last layer is linear and named `output`. Because the head
averages over positions first, a net takes images of any size from the product of its strides on (AlexNet: 63), unless
it was built for one size.

A net trained on many images is of use for few others: its features stay, its output layer is drawn afresh.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError, choose
from neurarium.nets.parts.initial import initialize_

Size = int | tuple[int, int] | None


class StagedNet(nn.Module):
    """Stages, then a head.

    Weights begin as He et al. draw them for rectifiers, normal with variance 2 / fan-in; the output layer, whose
    inputs stand for themselves, with 1 / fan-in; biases at zero.

    Args:
        stages: modules by name, the first of which begins with a convolution.
        head: modules by name, from maps of any size to logits; the last is a linear layer named output.
        size: height and width of the images; None: any of sides from `least` on, below which a ShapeError is raised.
    """

    def __init__(self, stages: nn.Sequential, head: nn.Sequential, least: int, size: Size = None) -> None:
        super().__init__()
        self.stages = stages
        self.head = head
        self.least = least
        self.size = (size, size) if isinstance(size, int) else size
        path, first = next((path, m) for path, m in stages.named_modules() if isinstance(m, nn.Conv2d))
        self._first, self.channels = path.rpartition(".")[2], first.in_channels
        if self.size is not None and min(self.size) < least:
            raise ShapeError(
                f"input of layer {self._first}",
                expected=f"images of at least {least} x {least} pixels for {type(self).__name__}",
                got=f"{self.size[0]} x {self.size[1]}",
                remedy="enlarge the images, or choose a net for small ones: alexnet-small, vgg-small, "
                "resnet of depth 20, densenet of depth 40",
            )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                _begin(layer, gain=1.0 if layer is self.output else math.sqrt(2))

    @property
    def output(self) -> nn.Linear:
        """The layer that makes the logits."""
        layer = self.head.output
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages, from the image upwards."""
        return tuple(name for name, _ in self.stages.named_children())

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of a batch of images (batch, channels, height, width). Raises ShapeError: images it does not take."""
        self.check(x)
        return self.head(self.stages(x))

    def check(self, x: Float[Tensor, "..."]) -> None:
        """Refuse what is no batch of images for this net. Raises ShapeError: says what would fit."""
        fits = x.dim() == 4 and x.shape[1] == self.channels
        if self.size is not None:
            fits = fits and x.shape[2:] == self.size
            sides = f"{self.size[0]}, {self.size[1]})"
        else:
            fits = fits and min(x.shape[2:]) >= self.least
            sides = f"height, width) of at least {self.least} x {self.least} pixels"
        if not fits:
            raise ShapeError(
                f"input of layer {self._first}",
                expected=f"a batch of images (batch, {self.channels}, {sides}",
                got=f"a tensor of shape {tuple(x.shape)}",
                remedy="build the net for images of this size, or convert the images",
            )


Net = TypeVar("Net", bound=StagedNet)


def averaging_head(maps: int, outputs: int) -> nn.Sequential:
    """The mean of each map, then a linear layer."""
    return nn.Sequential(
        OrderedDict(average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), output=nn.Linear(maps, outputs))
    )


def stage_features(net: StagedNet, x: Float[Tensor, "..."], at: Sequence[str]) -> dict[str, Tensor]:
    """Maps that the named stages make of a batch of images; nothing after the last of them is computed.

    `at`: names among `net.stage_names`, at least one.
    Returns: maps (batch, channels, height, width) by stage, in the order of the net.
    Raises ConfigError: no such stage, or none named; ShapeError: images that the net does not take.

    Example:
        >>> import torch
        >>> from neurarium.nets.convolutional.resnet import ResNet
        >>> maps = stage_features(ResNet(20, channels=1), torch.zeros(2, 1, 28, 28), ["stem", "stage2"])
        >>> {name: tuple(map.shape) for name, map in maps.items()}
        {'stem': (2, 16, 28, 28), 'stage2': (2, 32, 14, 14)}
    """
    stages = dict(net.stages.named_children())
    if isinstance(at, str) or not at:
        raise ConfigError("at", expected=f"a list with one or more of {', '.join(stages)}", got=repr(at))
    wanted = {name for name in at if choose(name, stages, "at")}
    net.check(x)
    maps: dict[str, Tensor] = {}
    for name, stage in stages.items():
        x = stage(x)
        if name in wanted:
            maps[name] = x
        if len(maps) == len(wanted):
            break
    return maps


def change_head(net: Net, outputs: int, train: str = "all") -> Net:
    """Give a net a fresh output layer for another number of classes, to tune it on other images.

    Running statistics of batch normalization still follow the data of the training, frozen or not; keep `net.stages`
    in evaluation mode where they must not.

    `train`: what learns from now on: "all" of it, the "head" (of one layer, or of three in AlexNet and VGG), or the
    "output" layer alone.
    Raises ConfigError: fewer than one class, or an unknown part.

    Example:
        >>> from neurarium.nets.convolutional.resnet import ResNet
        >>> net = change_head(ResNet(20, outputs=1000), 7, train="output")
        >>> [name for name, p in net.named_parameters() if p.requires_grad], net.output.out_features
        (['head.output.weight', 'head.output.bias'], 7)
    """
    if outputs < 1:
        raise ConfigError("outputs", expected="a number of classes >= 1", got=str(outputs))
    parts: dict[str, Sequence[str]] = {"all": ("",), "head": ("head.",), "output": ("head.output.",)}
    learns = choose(train, parts, "train")
    old = net.output
    fresh = nn.Linear(old.in_features, outputs).to(old.weight)
    _begin(fresh, gain=1.0)
    net.head.output = fresh
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name.startswith(tuple(learns)))
    return net


def _begin(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    initialize_(layer.weight, "he", gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
