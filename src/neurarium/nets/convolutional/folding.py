"""Batch normalization folded into the layer before it: fewer operations in a net that no longer learns.

In evaluation mean M and variance V of a normalization are constants, so that after a convolution (or linear layer) it
is no more than another scale and bias of each of its output channels o:

    beta + gamma (w * x + b - M) / sqrt(V + eps)  =  (s w) * x + (s (b - M) + beta),    s = gamma / sqrt(V + eps)

with w * x the convolution and s one number an output channel. The outcome is the same up to rounding, whatever stride,
padding, dilation and groups: only what comes after the sum is touched.

| net | folded | stays |
|---|---|---|
| ResNet and its plain twin | every normalization, those of projections too | none |
| VGG with batch norm | every normalization | none |
| AlexNet, VGG without | there is none | none |
| DenseNet | norm0 of the stem; with bottleneck norm2 of each layer, into conv1 | norm1 of each layer, other norms |

What stays in a DenseNet (in its layers, transitions and at the end) has a rectifier after it, relu(s x + t), so that
the next convolution cannot take it up; and it reads maps that other layers read with another scale, so that those
before cannot either.

Source: B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
2018, section 3.2.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from neurarium.checks import ConfigError
from neurarium.nets.parts.features import is_chain
from neurarium.nets.parts.normalization.batch import BatchNorm

# Exact types: a subclass may do more than its parent, such as a rectifier after the normalization.
BATCH_NORMS = (BatchNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
PASSING_IN_EVALUATION = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
_TOLD = 4

Foldable = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d | nn.Linear


def folded(
    weight: Float[Tensor, "..."], bias: Float[Tensor, " channels"] | None, norm: _BatchNorm, dim: int = 0
) -> tuple[Float[Tensor, "..."], Float[Tensor, " channels"]]:
    """Weight and bias, in float64 and then of their own type, that do what a layer and its norm do in evaluation.

    Args:
        weight: of a convolution (outputs, inputs, *kernel) or a linear layer (outputs, inputs).
        norm: with running statistics, of as many features as the layer has outputs.
        dim: of the weight that counts the outputs: 0, or 1 for transposed convolutions.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    shift = -norm.running_mean.double() if bias is None else bias.double() - norm.running_mean.double()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = shift * scale
    if norm.bias is not None:
        shift = shift + norm.bias.double()
    along = [1] * weight.ndim
    along[dim] = -1
    return (weight.double() * scale.reshape(along)).to(weight.dtype), shift.to(weight.dtype)


def fold_batch_norm(net: nn.Module) -> nn.Module:
    """A copy of a trained net, in evaluation mode, in which batch normalizations are part of the layers before them.

    A normalization is folded where it follows a convolution, a transposed one without groups, or a linear layer (of
    vectors: batch, features) in a chain, `nn.Sequential`; dropout between the two does nothing in evaluation. It
    leaves an `nn.Identity` in its place, so that all layers keep their names. One that follows anything else stays,
    as it must; `batch_norms` names it. Outputs are the same to rounding, 1e-10 in float64; it is not to be trained.

    Raises ConfigError: a normalization in a module with a forward function of its own, of an unknown class, or without
    running statistics.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), BatchNorm(8), nn.ReLU())
        >>> list(fold_batch_norm(net))
        [Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1)), Identity(), ReLU()]
    """
    _check(net)
    net = copy.deepcopy(net)
    for chain in list(net.modules()):
        if is_chain(chain):
            _fold_chain_(chain)
    return net.eval()


def batch_norms(net: nn.Module) -> tuple[str, ...]:
    """Names of the batch normalizations in a net: of a folded one, those that stay."""
    return tuple(name for name, module in net.named_modules() if isinstance(module, _BatchNorm))


def _check(net: nn.Module) -> None:
    """Refuse normalizations that are not understood."""
    in_chains = {m for chain in net.modules() if is_chain(chain) for m in chain.children() if type(m) in BATCH_NORMS}
    unknown = [name or "net" for name, m in net.named_modules() if isinstance(m, _BatchNorm) and m not in in_chains]
    if unknown:
        more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
        raise ConfigError(
            "batch normalization",
            expected="nn.BatchNorm or ours as a link of an nn.Sequential, which shows what comes before",
            got=f"{', '.join(unknown[:_TOLD])}{more} in {type(net).__name__}, of unknown place or class",
            remedy="build the net from chains; weights with torchvision's names load by converter.load_torchvision",
        )
    unsteady = [name for name, m in net.named_modules() if isinstance(m, _BatchNorm) and m.running_mean is None]
    if unsteady:
        raise ConfigError(
            f"batch normalization {unsteady[0]}",
            expected="running statistics",
            got="track_running_stats=False: it normalizes by the batch even in evaluation",
            remedy="train it with track_running_stats=True",
        )


def _fold_chain_(chain: nn.Module) -> None:
    # not `named_children`, which passes over a module that stands in a chain for the second time
    links = chain._modules
    before = ""
    for name, module in list(links.items()):
        layer = links.get(before)
        if isinstance(module, _BatchNorm) and isinstance(layer, Foldable) and _outputs(layer) == module.num_features:
            links[before] = _with_norm(layer, module)
            links[name] = nn.Identity()
        elif type(module) not in PASSING_IN_EVALUATION:
            before = name


def _outputs(layer: Foldable) -> int | None:
    """How many channels a layer makes; none if nothing can be folded into it."""
    # exact types again: a parametrised layer computes its weight anew in every call
    if type(layer) is nn.Linear:
        return layer.out_features
    if isinstance(layer, nn.Linear) or type(layer) not in (*CONVOLUTIONS, *TRANSPOSED):
        return None
    return None if layer.transposed and layer.groups > 1 else layer.out_channels


def _with_norm(layer: Foldable, norm: _BatchNorm) -> Foldable:
    """A new layer rather than the changed one: that may stand elsewhere in the net as well."""
    new = copy.deepcopy(layer)
    with torch.no_grad():
        weight, bias = folded(layer.weight, layer.bias, norm, dim=1 if type(layer) in TRANSPOSED else 0)
    new.weight = nn.Parameter(weight, requires_grad=layer.weight.requires_grad)
    new.bias = nn.Parameter(bias, requires_grad=layer.weight.requires_grad)
    return new
