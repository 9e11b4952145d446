"""Put tensors into a net, all or none, and say by name what does not fit."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError, suggest
from neurarium.nets.weights.converting import listed

_COUNTERS = "num_batches_tracked"


def load_weights(net: nn.Module, tensors: Mapping[str, Tensor], subject: str = "weights") -> None:
    """Copy tensors into the parameters and buffers of the same names.

    Numbers are converted to the net's dtype and device. The net is left as it was where anything does not fit. Counters
    of batches seen, which files from elsewhere lack, may be missing.

    `subject`: what the tensors are, for errors: usually the file.
    Raises ConfigError: names missing, or left over; ShapeError: a tensor of another shape; names the layer and what
    would fit.
    """
    wanted = net.state_dict()
    missing = [name for name in wanted if name not in tensors and not name.endswith(_COUNTERS)]
    extra = [name for name in tensors if name not in wanted]
    if missing or extra:
        parts = [f"none for {listed(missing)}"] * bool(missing) + [f"{listed(extra)} left over"] * bool(extra)
        raise ConfigError(
            subject,
            expected=f"a tensor for each of the {len(wanted)} names of {type(net).__name__}",
            got="; ".join(parts),
            remedy=_hint(missing, extra),
        )
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            raise ShapeError(
                f"{subject}, {name}",
                expected=f"{tuple(wanted[name].shape)}",
                got=f"{tuple(tensor.shape)}",
                remedy="build the net in the size of these weights, or rename the layer so that it is left as it is",
            )
    with torch.no_grad():
        for name, tensor in tensors.items():
            wanted[name].copy_(tensor)


def _hint(missing: list[str], extra: list[str]) -> str:
    close = suggest(missing[0], extra) if missing and extra else ""
    return f"for {missing[0]}, {close}" if close else "give them the net's names with converting.renamed"
