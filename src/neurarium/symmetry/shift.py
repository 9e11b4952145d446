"""Shift equivariance: move the input, and the features move along.

    (T_delta x)[t] = x[t - delta],    f(T_{jump n} x) = T_n f(x)

where `jump` is the product of the strides: a shift by less than the stride changes which windows are taken. With
circular padding the law holds everywhere; with zero padding for the units whose receptive field lies within the image
before and after the shift, since the others see the border.

Departs from the notes: 001 calls it translation invariance (errata E11); the proof in 004 writes f(t - delta) where its
definition of the shift needs f(t + delta) (errata E42).
"""

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.receptive_field import ReceptiveField, field_of_layers
from neurarium.symmetry.laws import Law, evaluated, relative_deviation


def shift_deviation(features: nn.Module, x: Tensor, steps: int = 1) -> float:
    """Violation by the units that do not see the border, for shifts along each axis and along all at once.

    Args:
        features: layers that run in the order in which they are registered: convolutions, pooling and
            element-by-element functions, with any padding.
        x: (batch, channels, ...).
        steps: shift of the output, in units; the input moves `jump` times as far.
    Raises ShapeError: the output has lost the axes, or no unit is far enough from the border.
    """
    sizes = x.shape[2:]
    fields = field_of_layers(features.modules(), len(sizes))
    with evaluated(features):
        y = _maps(features, x)
        worst = 0.0
        for chosen in _shifts(len(sizes)):
            moved = features(torch.roll(x, [f.jump * steps * c for f, c in zip(fields, chosen, strict=True)], _axes(x)))
            here, there = [slice(None)] * 2, [slice(None)] * 2
            for field, d, n, c in zip(fields, sizes, y.shape[2:], chosen, strict=True):
                first, last = _inner(field, d - field.jump * steps * c)
                last = min(last, n - 1 - steps * c)
                if last < first:
                    raise ShapeError(
                        "x",
                        expected="an image in which some unit sees no border, before and after the shift",
                        got=f"{d} positions for a field of {field.size} and a shift of {field.jump * steps * c}",
                        remedy="use larger images",
                    )
                here.append(slice(first, last + 1))
                there.append(slice(first + steps * c, last + 1 + steps * c))
            worst = max(worst, relative_deviation(moved[tuple(there)], y[tuple(here)]))
    return worst


def circular_shift_deviation(features: nn.Module, x: Tensor, steps: int = 1) -> float:
    """Violation by any unit, where the signal is a ring: circular padding, sizes divisible by the strides.

    Args:
        features: any net whose output keeps the axes.
        x: (batch, channels, ...).
        steps: shift of the output, in units.
    Raises ShapeError: the output has lost the axes.
    """
    with evaluated(features):
        y = _maps(features, x)
        jumps = [d // n for d, n in zip(x.shape[2:], y.shape[2:], strict=True)]
        return max(
            relative_deviation(
                features(torch.roll(x, [jump * steps * c for jump, c in zip(jumps, chosen, strict=True)], _axes(x))),
                torch.roll(y, [steps * c for c in chosen], _axes(y)),
            )
            for chosen in _shifts(len(jumps))
        )


def before_flattening(net: nn.Module) -> nn.Sequential:
    """The layers of a net's first sequence that come before its `nn.Flatten`: the convolutional features.

    Raises ConfigError: no sequence of layers with an `nn.Flatten` in it.
    """
    for module in net.modules():
        if isinstance(module, nn.Sequential):
            for i, layer in enumerate(module):
                if isinstance(layer, nn.Flatten):
                    return nn.Sequential(*list(module)[:i])
    raise ConfigError("net", expected="a sequence of layers with nn.Flatten", got=type(net).__name__)


def feature_shift_deviation(net: nn.Module, x: Tensor) -> float:
    """`shift_deviation` of the layers before flattening, for a shift of the features by one unit."""
    return shift_deviation(before_flattening(net), x)


SHIFT_OF_FEATURES = Law(
    "shift of the features",
    feature_shift_deviation,
    "shifting the image by the product of the strides shifts the features by one unit, away from the border",
)


def _maps(features: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = features(x)
    if x.ndim < 3 or y.ndim != x.ndim:
        raise ShapeError(
            "output of the features",
            expected="the axes of the input after batch and channels",
            got=f"{tuple(y.shape)} from {tuple(x.shape)}",
            remedy="pass the convolutional part of the net alone",
        )
    return y


def _inner(field: ReceptiveField, positions: int) -> tuple[int, int]:
    """First and last unit whose field lies in 0, ..., positions - 1."""
    first = max(0, -(field.start // field.jump))
    return first, (positions - field.size - field.start) // field.jump


def _shifts(axes: int) -> list[tuple[int, ...]]:
    alone = [tuple(int(axis == i) for i in range(axes)) for axis in range(axes)]
    return [*alone, (1,) * axes] if axes > 1 else alone


def _axes(x: Tensor) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))
