"""Random-feature model: a two-layer net whose inner layer stays as it was drawn; only the outer one learns.

    f(x) = A z(x) + b,    z_j(x) = sigma(w_j . x + c_j),    j = 1 .. m,    w_j, c_j random and fixed

Fitting A and b is regression on z: a linear system for the squared error (`training.rules.closed_form`). As m grows
z(x) . z(y) approaches a kernel, and ridge regression on z approaches kernel ridge regression:

    fourier   z_j = sqrt(2/m) cos(w_j . x + c_j),  w_j ~ N(0, I / s^2),  c_j ~ U[0, 2 pi)
              z(x) . z(y) -> exp(-|x - y|^2 / (2 s^2))                                     Gaussian kernel of width s
    relu      z_j = sqrt(2/m) max(0, w_j . x + c_j),  w_j ~ N(0, I / s^2),  c_j ~ N(0, 1)
              z(x) . z(y) -> 1/pi |u| |v| (sin t + (pi - t) cos t)                         arc-cosine kernel of order 1
              with u = (x / s, 1), v = (y / s, 1), t the angle between them

with an error of order 1 / sqrt(m) on any pair.

Source: A. Rahimi, B. Recht, "Random features for large-scale kernel machines", 2007; Y. Cho, L. Saul, "Kernel methods
for deep learning", 2009.
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ConfigError, choose
from neurarium.nets.feedforward.regression import affine
from neurarium.nets.interfaces import LinearInParameters
from neurarium.nets.parts.flat import flat

KINDS = ("relu", "fourier")


def random_features(
    x: Float[Tensor, "batch inputs"],
    weight: Float[Tensor, "features inputs"],
    bias: Float[Tensor, "features"],
    kind: str = "relu",
) -> Float[Tensor, "batch features"]:
    """The features z above, for weights already drawn."""
    a, scale = F.linear(x, weight, bias), math.sqrt(2 / len(weight))
    # in place: features are many, and a table more to fill costs as much as the cosine; relu(s a) = s relu(a)
    return a.mul_(scale).relu_() if kind == "relu" else a.cos_().mul_(scale)


def draw_features(
    inputs: int, features: int, kind: str = "relu", width: float = 1.0, generator: Generator | None = None
) -> tuple[Float[Tensor, "features inputs"], Float[Tensor, "features"]]:
    """Draw w_j and c_j; the width s is in the units of the inputs."""
    weight = torch.randn(features, inputs, generator=generator) / width
    if kind == "relu":
        return weight, torch.randn(features, generator=generator)
    return weight, torch.rand(features, generator=generator) * (2 * math.pi)


def gaussian_kernel(
    x: Float[Tensor, "n inputs"], y: Float[Tensor, "m inputs"], width: float = 1.0
) -> Float[Tensor, "n m"]:
    """exp(-|x - y|^2 / (2 s^2)) for every pair of rows: what `fourier` features approach."""
    return torch.exp(-torch.cdist(x, y).square() / (2 * width**2))


def arc_cosine_kernel(
    x: Float[Tensor, "n inputs"], y: Float[Tensor, "m inputs"], width: float = 1.0
) -> Float[Tensor, "n m"]:
    """1/pi |u| |v| (sin t + (pi - t) cos t) for every pair of rows: what `relu` features approach."""
    u, v = F.pad(x / width, (0, 1), value=1.0), F.pad(y / width, (0, 1), value=1.0)
    lengths = torch.outer(u.norm(dim=1), v.norm(dim=1))
    cosine = (u @ v.T / lengths).clamp(-1, 1)
    return lengths / math.pi * ((1 - cosine.square()).sqrt() + (math.pi - cosine.acos()) * cosine)


class FrozenLayer(nn.Module):
    """The features with their weights, drawn once and kept as buffers; the width s is in the units of the inputs.

    Raises ConfigError: a kind that is not in `KINDS`, no features, or a width that is not positive.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, features: int, kind: str, width: float) -> None:
        super().__init__()
        choose(kind, dict.fromkeys(KINDS), "kind")
        if inputs < 1 or features < 1:
            raise ConfigError("features", expected="an integer >= 1", got=str(min(inputs, features)))
        if not 0 < width < math.inf:
            raise ConfigError("width", expected="a number > 0", got=str(width))
        self.inputs, self.kind = inputs, kind
        weight, bias = draw_features(inputs, features, kind, width)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch features"]:
        """Features of a batch; an example of any shape is flattened."""
        return random_features(flat(x, self.inputs, "layer inner"), self.weight, self.bias, self.kind)

    def extra_repr(self) -> str:
        """Say in the net's printed form what cannot be seen from its parts."""
        return f"{self.inputs} -> {len(self.bias)} {self.kind}, frozen"


class RandomFeatureModel(nn.Module, LinearInParameters):
    """Affine layer on frozen random features.

    `width`: s in units of sqrt(inputs), the length of an example whose numbers have mean square 1; small ones suit relu
    units, which then lean little on their thresholds.
    """

    def __init__(self, inputs: int, features: int, outputs: int, kind: str = "relu", width: float = 0.3) -> None:
        super().__init__()
        self.inner = FrozenLayer(inputs, features, kind, width * math.sqrt(max(inputs, 1)))
        self.head = affine(features, outputs)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Outputs of a batch; an example of any shape is flattened."""
        return self.head(self.features(x))

    def features(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch features"]:
        """What the inner layer makes of a batch."""
        return self.inner(x)

    def outputs(self, a: Float[Tensor, "batch rows"]) -> Float[Tensor, "batch rows"]:
        """What the affine layer says."""
        return a
