"""Symmetric couplings between neurons, held as a matrix or as the patterns they come from.

    W = scale (L R - diag(removed)),    L: (n, r),  R: (r, n)

A Hebbian or pseudo-inverse net of n neurons and s patterns has r = s: 2 s n numbers instead of n^2, and a product W x
costs 2 s n instead of n^2 multiplications. Couplings without such factors have R = identity.

Patterns of -1 and +1 make L R x integers, exact in floating point; the scale 1/n comes after the sums, so that a
field that is 0 is exactly 0.

Shapes: n neurons, r inner, states in rows (batch, n).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError


@dataclass(frozen=True, eq=False)
class Couplings:
    """W = scale (left right - diag(removed))."""

    left: Float[Tensor, "neurons inner"]
    right: Float[Tensor, "inner neurons"] | None
    removed: Float[Tensor, "neurons"]
    scale: float = 1.0
    whole: bool = False

    @property
    def neurons(self) -> int:
        """How many neurons are coupled."""
        return len(self.left)

    def matrix(self) -> Float[Tensor, "neurons neurons"]:
        """W in full, n^2 numbers."""
        product = self.left.clone() if self.right is None else self.left @ self.right
        product.diagonal().sub_(self.removed)
        return product.mul_(self.scale)

    def diagonal(self) -> Float[Tensor, "neurons"]:
        """w_ii, without forming W."""
        own = self.left.diagonal() if self.right is None else (self.left * self.right.T).sum(1)
        return self.scale * (own - self.removed)

    def inner(self, states: Float[Tensor, "neurons batch"]) -> Float[Tensor, "inner batch"]:
        """R x for states in columns."""
        return states if self.right is None else self.right @ states

    def fields(self, states: Float[Tensor, "batch neurons"]) -> Float[Tensor, "batch neurons"]:
        """W x for each state, without forming W."""
        columns = states.T
        return self.scale * (self.left @ self.inner(columns) - self.removed[:, None] * columns).T


def from_matrix(matrix: Float[Tensor, "..."]) -> Couplings:
    """Couplings of a square matrix (ShapeError), symmetric and with diagonal >= 0 (ConfigError): the energy falls."""
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeError("couplings", expected="a square matrix", got=f"a tensor of shape {tuple(matrix.shape)}")
    if not torch.allclose(matrix, matrix.T, rtol=1e-5, atol=1e-6 * float(matrix.abs().amax())):
        raise ConfigError(
            "couplings",
            expected="w_ij = w_ji",
            got="a matrix that is not symmetric",
            remedy="take (W + W.T) / 2: without symmetry no energy falls and states may wander for ever",
        )
    if bool((matrix.diagonal() < 0).any()):
        raise ConfigError("couplings", expected="w_ii >= 0", got=f"{float(matrix.diagonal().amin()):g} on the diagonal")
    return Couplings(matrix, None, torch.zeros_like(matrix.diagonal()))
