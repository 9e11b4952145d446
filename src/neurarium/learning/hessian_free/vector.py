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
    """Cut a vector into tensors of the names and shapes of `like`; the inverse of `to_vector`.

    Example:
        >>> to_parameters(torch.tensor([1.0, 2.0, 3.0]), {"w": torch.zeros(1, 2), "b": torch.zeros(1)})
        {'w': tensor([[1., 2.]]), 'b': tensor([3.])}
    """
    pieces = vector.split([tensor.numel() for tensor in like.values()])
    return {name: piece.view(tensor.shape) for piece, (name, tensor) in zip(pieces, like.items(), strict=True)}
