"""Which part of its input a net looked at: gradient, integrated gradients, Grad-CAM.

    gradient               g(x) = df_c(x)/dx
    integrated gradients   a(x) = (x - x0) * integral_0^1 g(x0 + t (x - x0)) dt        sum_i a_i = f_c(x) - f_c(x0)
    Grad-CAM               m(n) = relu( sum_k w_k A_k(n) ),   w_k = mean over n of df_c/dA_k(n)

f_c is the logit of class c, A the maps that a layer makes of x. Integrated gradients are complete: they share out
exactly what the net says of x and not of the baseline x0. Grad-CAM before global average pooling and a linear layer is
the positive part of the class activation map, divided by the number of positions.

Everything runs in evaluation mode, leaves the net as it was and touches no gradient of its parameters.

Source: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks", 2014; M. Sundararajan, A. Taly,
Q. Yan, "Axiomatic attribution for deep networks", 2017; R. Selvaraju et al., "Grad-CAM", 2017.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError, choose
from neurarium.nets.evaluating import evaluating


def gradient(
    net: nn.Module, x: Float[Tensor, "batch *example"], classes: Int[Tensor, "..."]
) -> Float[Tensor, "batch *example"]:
    """Slope of each example's logit with respect to its input.

    `net` gives the logits (batch, outputs) of examples scaled as it is used to, `classes` holds each one's c.
    Raises ShapeError: another number of classes than examples, or one that the net does not know.

    Example:
        >>> net = nn.Linear(2, 2, bias=False)
        >>> _ = net.weight.data.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> gradient(net, torch.zeros(1, 2), torch.tensor([1]))
        tensor([[3., 4.]])
    """
    with evaluating(net), torch.enable_grad():
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(_logits(net(x), classes).sum(), x)
    return slope


def integrated_gradients(
    net: nn.Module,
    x: Float[Tensor, "batch *example"],
    classes: Int[Tensor, "..."],
    baseline: Float[Tensor, "..."] | None = None,
    steps: int = 64,
) -> Float[Tensor, "batch *example"]:
    """Fraction of each input in the logit's difference to that of a baseline.

    Args:
        baseline: x0, broadcast to x; none: zeros, the mean of standardised data.
        steps: points of the Gauss-Legendre quadrature, each a forward and a backward pass. Its error falls
            exponentially with them for smooth nets, about as 1/steps for nets with kinks (relu, max pooling).
    Raises ShapeError: as `gradient`, or a baseline of another shape; ConfigError: no step.
    """
    if steps < 1:
        raise ConfigError("steps", expected="an integer >= 1", got=str(steps))
    start = torch.zeros_like(x) if baseline is None else baseline.to(x)
    try:
        away = x - start
    except RuntimeError:
        away = x.new_empty(0)
    if away.shape != x.shape:
        raise ShapeError(
            "baseline", expected=f"a shape that broadcasts to {tuple(x.shape)}", got=str(tuple(start.shape))
        )
    points, weights = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros_like(x)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        total += float(weight) * gradient(net, start + float(point) * away, classes)
    return away * total


def grad_cam(
    net: nn.Module, x: Float[Tensor, "batch *example"], classes: Int[Tensor, "..."], layer: str = ""
) -> Float[Tensor, "batch *positions"]:
    """Positions whose maps speak for a class, in the resolution of the layer.

    `layer`: qualified name, or its last part where that is unique; empty: the last one that makes maps.
    Raises ConfigError: a net without convolutions, no such layer (names the closest), or one that makes no maps;
    ShapeError: as `gradient`.
    """
    name = find_map_layer(net, x, layer)
    with evaluating(net), torch.enable_grad(), _keeping(net, name) as kept:
        # inputs that need a gradient give one to the maps of frozen nets too
        logits = _logits(net(x.detach().requires_grad_()), classes)
        maps = kept[-1]
        (slopes,) = torch.autograd.grad(logits.sum(), maps)
    positions = tuple(range(2, maps.ndim))
    return torch.relu((slopes.mean(positions, keepdim=True) * maps.detach()).sum(1))


def feature_maps(
    net: nn.Module, x: Float[Tensor, "batch *example"], layer: str = ""
) -> Float[Tensor, "batch channels *positions"]:
    """What a layer makes of examples. Arguments and errors are those of `grad_cam`."""
    name = find_map_layer(net, x, layer)
    with evaluating(net), torch.no_grad(), _keeping(net, name) as kept:
        net(x)
    return kept[-1]


def find_map_layer(net: nn.Module, x: Float[Tensor, "batch *example"], layer: str = "") -> str:
    """Qualified name of a layer that makes maps: the last one of more than one position, where none is named.

    A global average makes maps too, of a single position: they say nothing of where. Arguments and errors are those of
    `grad_cam`.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2))
        >>> find_map_layer(net, torch.zeros(1, 1, 8, 8))
        '1'
    """
    found = map_layers(net, x)
    names = list(found)
    if not names:
        raise ConfigError(
            "net",
            expected="convolutional layers, which make maps (batch, channels, height, width)",
            got=f"{type(net).__name__}, in which no layer does",
            remedy="take gradient or integrated_gradients, which fit every net",
        )
    if not layer:
        wide = [name for name, (_, *positions) in found.items() if math.prod(positions) > 1]
        return (wide or names)[-1]
    short = [name.rpartition(".")[2] for name in names]
    unique = {last: name for last, name in zip(short, names, strict=True) if short.count(last) == 1}
    return layer if layer in names else choose(layer, unique or dict.fromkeys(names, layer), subject="layer")


def map_layers(net: nn.Module, x: Float[Tensor, "batch *example"]) -> dict[str, tuple[int, ...]]:
    """Layers that make maps, in the order of computation, with (channels, *positions) of what they make of x."""
    axes = _map_axes(net)
    found: dict[str, tuple[int, ...]] = {}

    def note(name: str, made: object) -> None:
        if isinstance(made, Tensor) and made.ndim - 2 in axes and made.is_floating_point():
            found.pop(name, None)  # a layer used twice stands where it was used last
            found[name] = tuple(made.shape[1:])

    hooks = [
        module.register_forward_hook(lambda _module, _inputs, made, name=name: note(name, made))
        for name, module in net.named_modules()
        if not list(module.children())
    ]
    try:
        with evaluating(net), torch.no_grad():
            net(x[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _map_axes(net: nn.Module) -> set[int]:
    """Numbers of axes that positions may have: those of the net's convolutions, else two."""
    kinds = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
    return {axes for axes, kind in kinds.items() if any(isinstance(m, kind) for m in net.modules())} or {2}


def _logits(outputs: Tensor, classes: Tensor) -> Tensor:
    if outputs.ndim != 2 or classes.shape != outputs.shape[:1]:
        wanted = f"one class an example, for outputs of shape {tuple(outputs.shape)}"
        raise ShapeError("classes", expected=wanted, got=str(tuple(classes.shape)))
    if len(classes) and not 0 <= int(classes.min()) <= int(classes.max()) < outputs.shape[1]:
        got = f"{int(classes.min())} to {int(classes.max())}"
        raise ShapeError("classes", expected=f"classes 0 to {outputs.shape[1] - 1}", got=got)
    return outputs.gather(1, classes[:, None].long()).squeeze(1)


@contextmanager
def _keeping(net: nn.Module, name: str) -> Iterator[list[Tensor]]:
    """Collect what a layer makes."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, made: Tensor) -> Tensor:
        kept.append(made)
        return made.clone()  # the layer behind may work in place

    hook = net.get_submodule(name).register_forward_hook(keep)
    try:
        yield kept
    finally:
        hook.remove()
