"""Curvature of an objective as the Gauss-Newton matrix, known only by its products with vectors.

    f(W) = L(a(W)),    J = da/dW,    H_L = d2L/da2
    G v = J^T (H_L (J v)):   forward through the net, across the loss, backward through the net

G is the Hessian without the curvature of the net itself. For a loss that is convex in the outputs a (cross-entropy over
logits, squared error, binary cross-entropy over logits) it is positive semi-definite, which the Hessian is not, and for
a net that is linear in its weights the two are one.

Letters: N examples, K numbers of output each, `weights` the length of all weights as one vector.

Source: N. Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent", 2002; the Fisher
diagonal as preconditioner: J. Martens, "Deep learning via Hessian-free optimization", 2010, section 4.7; its estimate
by random signs: O. Chapelle, D. Erhan, "Improved preconditioner for Hessian free optimization", 2011.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.learning.hessian_free.vector import Parameters, to_parameters, to_vector


def gauss_newton(
    outputs_of: Callable[[Parameters], Tensor], loss: Callable[[Tensor], Tensor], parameters: Parameters
) -> Callable[[Tensor], Tensor]:
    """Return the function v -> G v at `parameters`.

    One forward pass is made here; a product costs as much as two backward passes.

    Args:
        outputs_of: weights to the net's outputs on the curvature batch; called once.
        loss: outputs to the mean loss; twice differentiable.

    Example:
        >>> x, t = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [1.0]])
        >>> product = gauss_newton(lambda p: x * p["w"], lambda a: (a - t).square().mean(), {"w": torch.ones(1)})
        >>> product(torch.ones(1))  # 2 mean(x^2)
        tensor([5.])
    """
    pulled: Callable[[Tensor], tuple[Parameters]]
    outputs, pulled = _transposed(outputs_of, parameters)
    # J^T u is linear in u, so that its own transpose at any u is J: no forward pass is needed for J v.
    _, pushed = _transposed(lambda signal: pulled(signal)[0], torch.zeros_like(outputs))
    # The Hessian of the loss is symmetric: its transpose is itself.
    _, bent = _transposed(torch.func.grad(loss), outputs)

    def product(vector: Float[Tensor, " weights"]) -> Float[Tensor, " weights"]:
        (moved,) = pushed(to_parameters(vector, parameters))
        return to_vector(pulled(*bent(moved))[0].values())

    return product


def fisher_diagonal(
    outputs_of: Callable[[Parameters], Tensor],
    loss: Callable[[Tensor], Tensor],
    parameters: Parameters,
    signs: Float[Tensor, "draws batch"],
) -> Float[Tensor, " weights"]:
    """Estimate the diagonal of the empirical Fisher matrix: the mean over the examples of the squared gradient.

        D = 1/N sum_n g_n^2 = N E[(1/N sum_n s_n g_n)^2]    for independent signs s_n, +1 and -1 equally likely

    The mixed terms of the square vanish in the mean, so that no gradient of a single example is ever computed: a draw
    costs one backward pass over all of them. The relative error of an entry is at most sqrt(2 / draws).
    `signs`: +1 and -1; the mean over all 2^N patterns is exact.

    Example:
        >>> x, signs = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0, 1.0], [1.0, -1.0]])
        >>> fisher_diagonal(lambda p: x * p["w"], lambda a: a.mean(), {"w": torch.ones(1)}, signs)  # (1 + 4) / 2
        tensor([2.5000])
    """
    outputs, pulled = _transposed(outputs_of, parameters)
    signals = torch.func.grad(loss)(outputs)
    total = torch.zeros_like(to_vector(parameters.values()))
    for draw in signs:
        total += to_vector(pulled(signals * draw.view(-1, *[1] * (signals.dim() - 1)))[0].values()).square()
    return total * (len(outputs) / len(signs))


def _transposed(function: Callable[[Any], Any], point: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Value of a function at a point, and its transposed derivative there."""
    # torch annotates `vjp` for functions with auxiliary values alone
    value, pulled = torch.func.vjp(function, point)  # type: ignore[misc]
    return value, pulled
