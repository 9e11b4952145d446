"""Batch normalization: each feature by its mean and variance over the batch.

    m_j = 1/n sum_i x_ij,    v_j = 1/n sum_i (x_ij - m_j)^2,    y_ij = beta_j + gamma_j (x_ij - m_j) / sqrt(v_j + eps)

with i over the n examples of the batch, and over the positions where x has any. In evaluation an example must not
depend on its company: mean and variance are then running averages that the training has left behind,

    M <- (1 - momentum) M + momentum m,    V <- (1 - momentum) V + momentum v n / (n - 1),

begun at M = 0, V = 1. This is torch's convention: `momentum` weighs the *new* value (elsewhere it weighs the old
one), and the running variance is the unbiased one while the batch itself is divided by sqrt of the biased one.

After a linear layer w^T x + b the bias cancels and so does the size of w: with S the covariance of x,

    y = beta + gamma w^T (x - E x) / |w|_S = beta + gamma (|w| / |w|_S) (w / |w|)^T (x - E x),    |w|_S^2 = w^T S w,

which is weight normalization times |w| / |w|_S.

Source: S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
shift", 2015.
Departs from the notes: they have neither eps nor running statistics, and take S = E[x x^T] before E[x] = 0 is
assumed; it must be the covariance (errata E59).
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from neurarium.checks import ShapeError

EPS = 1e-5
MOMENTUM = 0.1


def batch_moments(
    x: Float[Tensor, "batch features *positions"],
) -> tuple[Float[Tensor, " features"], Float[Tensor, " features"]]:
    """Mean and (biased) variance of each feature over batch and positions."""
    over = [dim for dim in range(x.ndim) if dim != 1]
    mean = x.mean(over)
    return mean, (x - _along(mean, x)).square().mean(over)


def batch_norm(
    x: Float[Tensor, "batch features *positions"],
    gamma: Float[Tensor, " features"],
    beta: Float[Tensor, " features"],
    moments: tuple[Float[Tensor, " features"], Float[Tensor, " features"]] | None = None,
    eps: float = EPS,
) -> Float[Tensor, "batch features *positions"]:
    """Normalize by the moments of the batch, or by those given; eps keeps a constant feature from division by 0."""
    mean, variance = batch_moments(x) if moments is None else moments
    normal = (x - _along(mean, x)) / (_along(variance, x) + eps).sqrt()
    return _along(beta, x) + _along(gamma, x) * normal


class BatchNorm(_BatchNorm):
    """`batch_norm` with its parameters and running statistics, computed by torch's kernel.

    One class for features with or without positions. Parameters and buffers bear the names of `nn.BatchNorm1d` to
    `3d`, so their weights load; data-parallel training can turn it into `nn.SyncBatchNorm`. A call raises ShapeError on
    another count of features, or on a single value a feature while training.
    """

    def __init__(self, num_features: int, eps: float = EPS, momentum: float = MOMENTUM) -> None:
        super().__init__(num_features, eps=eps, momentum=momentum)

    def _check_input_dim(self, input: Tensor) -> None:
        name = f"batch normalization of {self.num_features} features"
        if input.ndim < 2 or input.shape[1] != self.num_features:
            raise ShapeError(
                name,
                expected=f"(batch, {self.num_features}, *positions)",
                got=f"a tensor of shape {tuple(input.shape)}",
            )
        if self.training and input.numel() == self.num_features:
            raise ShapeError(
                name,
                expected="more than one example while training",
                got="one",
                remedy="choose a batch size that leaves no last batch of one example, or norm layer or group",
            )


def _along(values: Tensor, x: Tensor) -> Tensor:
    """One value a feature, laid out to broadcast over `x`."""
    return values.reshape(-1, *[1] * (x.ndim - 2))
