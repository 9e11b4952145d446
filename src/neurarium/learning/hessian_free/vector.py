"""All weights of a net as one vector, and back."""

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

Parameters = dict[str, Tensor]


def to_vector(tensors: Iterable[Tensor]) -> Float[Tensor, " weights"]:
    """Write tensors one after the other, each in row-major order."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def to_parameters(vector: Float[Tensor, " weights"], like: Mapping[str, Tensor]) -> Parameters:
    """Cut a vector into tensors of the names and shapes of `like`; the inverse of `to_vector`."""
    pieces = vector.split([tensor.numel() for tensor in like.values()])
    return {name: piece.view(tensor.shape) for piece, (name, tensor) in zip(pieces, like.items(), strict=True)}
