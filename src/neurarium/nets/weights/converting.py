"""Give weights from elsewhere the names and layouts of a net of ours.

A converter is a chain of these pure functions over tensors by name:

    tensors = read_weights(path)
    tensors = from_keras(tensors)                               other layouts: only for files of Keras
    tensors = renamed(tensors, [(r"block1_conv(\\d)/", r"stage1.conv\\1.")])
    tensors["fc1.weight"] = columns_from(tensors["fc1.weight"], (512, 7, 7), "hwc")
    load_weights(net, tensors)                                  names what is missing, left over or of another size
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError

_KERAS_NAMES = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "embeddings": "weight",
}
_AXES = "chw"


def renamed(tensors: Mapping[str, Tensor], rules: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    """Rename tensors by regular expressions.

    `rules`: (pattern, replacement) as in `re.sub`, each applied to every name, one after the other. A name that becomes
    empty is dropped.
    Raises ConfigError: two tensors would get the same name.

    Example:
        >>> import torch
        >>> rules = [(r"^module\\.", ""), (r"^conv(\\d)", r"layers.c\\1")]
        >>> list(renamed({"module.conv1.weight": torch.ones(1)}, rules))
        ['layers.c1.weight']
    """
    result: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    for old, tensor in tensors.items():
        new = old
        for pattern, replacement in rules:
            new = re.sub(pattern, replacement, new)
        if new in result:
            raise ConfigError(
                f"new name of {old}", expected="a name of its own", got=f"{new!r}, the new name of {origin[new]} too"
            )
        if new:
            result[new], origin[new] = tensor, old
    return result


def from_keras(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the arrays of a Keras file torch's layouts, and names "layer.weight", "layer.bias", ...

        kernel of a convolution   (*window, in, out) -> (out, in, *window)
        kernel of a dense layer   (in, out) -> (out, in)
        depthwise kernel          (height, width, in, each) -> (in each, 1, height, width)
        gamma, beta, moving_mean, moving_variance -> weight, bias, running_mean, running_var

    A dense layer behind a Flatten counts its inputs as (height, width, channels): see `columns_from`.

    `tensors`: of `read_h5`: "layer/layer/kernel:0", "model_weights/layer/layer/kernel:0", "layers/layer/vars/0".
    Returns: Tensors by new names, in the file's order.
    Raises ConfigError: two tensors would get the same name.

    Example:
        >>> import torch
        >>> {k: tuple(v.shape) for k, v in from_keras({"c1/c1/kernel:0": torch.ones(5, 5, 1, 6)}).items()}
        {'c1.weight': (6, 1, 5, 5)}
    """
    named = _with_keras_names(tensors)
    result: dict[str, Tensor] = {}
    for old, (layer, kind, tensor) in named.items():
        new = f"{layer}.{_KERAS_NAMES.get(kind, kind)}"
        if new in result:
            raise ConfigError(f"new name of {old}", expected="a name of its own", got=f"{new!r} twice")
        result[new] = _torch_layout(tensor, kind)
    return result


def _with_keras_names(tensors: Mapping[str, Tensor]) -> dict[str, tuple[str, str, Tensor]]:
    """Split names into (layer, kind)."""
    numbered: dict[str, list[str]] = {}
    for name in tensors:
        layer, vars_, _ = name.rpartition("/vars/")
        if vars_:
            numbered.setdefault(layer, []).append(name)
    result: dict[str, tuple[str, str, Tensor]] = {}
    for name, tensor in tensors.items():
        layer, vars_, number = name.rpartition("/vars/")
        if vars_:
            names = numbered[layer]
            vectors = all(tensors[other].ndim == 1 for other in names)
            kinds = ("gamma", "beta", "moving_mean", "moving_variance") if vectors else ("kernel", "bias")
            known = number.isdigit() and int(number) < len(kinds) and len(names) <= len(kinds)
            kind = kinds[int(number)] if known else f"vars.{number}"
        else:
            layer, _, kind = name.partition(":")[0].rpartition("/")
        parts = layer.removeprefix("model_weights/").removeprefix("layers/").split("/")
        # a layer's name may stand there twice, with that of the model between: "c1/c1", "c1/sequential/c1"
        result[name] = ".".join(parts[: parts.index(parts[-1]) + 1]), kind, tensor
    return result


def _torch_layout(tensor: Tensor, kind: str) -> Tensor:
    if kind == "depthwise_kernel" and tensor.ndim == 4:
        height, width, channels, each = tensor.shape
        return tensor.permute(2, 3, 0, 1).reshape(channels * each, 1, height, width)
    if kind == "kernel" and tensor.ndim >= 2:
        return tensor.permute(-1, -2, *range(tensor.ndim - 2)).contiguous()
    return tensor


def columns_from(
    weight: Shaped[Tensor, "outputs inputs"], shape: tuple[int, int, int], order: str
) -> Shaped[Tensor, "outputs inputs"]:
    """Reorder the columns of a linear layer that sees flattened maps.

    Args:
        weight: its columns count the positions of maps in another order than ours.
        shape: (channels, height, width) of the maps; a signal has height or width 1.
        order: theirs, slowest first: "hwc" for Keras, "whc" for Caffe's by way of MATLAB; ours is "chw".
    Raises ShapeError: the maps do not have as many numbers as the matrix columns; ConfigError: no such order.

    Example:
        >>> import torch
        >>> columns_from(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), (2, 1, 2), "hwc")  # (w0 c0), (w0 c1), (w1 c0), (w1 c1)
        tensor([[1., 3., 2., 4.]])
    """
    if sorted(order) != sorted(_AXES):
        raise ConfigError("order", expected="the letters c, h and w, slowest first", got=repr(order))
    sizes = dict(zip(_AXES, shape, strict=True))
    if weight.ndim != 2 or weight.shape[1] != shape[0] * shape[1] * shape[2]:
        raise ShapeError(
            "weight of a linear layer",
            expected=f"(outputs, {shape[0] * shape[1] * shape[2]}) for maps {shape}",
            got=str(tuple(weight.shape)),
        )
    theirs = weight.reshape(len(weight), *(sizes[axis] for axis in order))
    return theirs.permute(0, *(1 + order.index(axis) for axis in _AXES)).flatten(1)


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names as words, the many cut short.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
