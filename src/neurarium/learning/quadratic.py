"""Weight decay and early stopping on a quadratic: both shrink the solution, along each eigenvector by its own factor.

    l(theta) = 1/2 (theta - theta*)^T H (theta - theta*),    H = Q^T diag(lambda) Q

Weight decay adds mu/2 |theta|^2; the minimum moves to

    theta_mu = (H + mu I)^-1 H theta*,    (Q theta_mu)_i = lambda_i / (lambda_i + mu) (Q theta*)_i.

Gradient descent from zero is, after t steps of rate eta, at

    (Q theta_t)_i = (1 - (1 - eta lambda_i)^t) (Q theta*)_i.

For small eta lambda t and lambda / mu the factors are eta lambda t and lambda / mu: the same at t = 1 / (eta mu). A
direction that the loss feels keeps its value, one that it hardly feels stays near zero, either way.

Source: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, sections 7.1 and 7.8.
Departs from the notes: the step goes along grad l + mu theta; the expansion has the factor 1/2; the factors belong to
the coordinates Q theta; adding mu/2 |theta|^2 and decaying weights are one thing for plain gradient descent alone
(errata E56). The equivalent time is 1 / (eta mu), not eta / mu (errata E57).
"""

import torch
from jaxtyping import Float
from torch import Tensor


def ridge_optimum(
    hessian: Float[Tensor, "weights weights"], optimum: Float[Tensor, " weights"], decay: float
) -> Float[Tensor, " weights"]:
    """Where the loss with weight decay is smallest, theta_mu.

    `hessian` is symmetric without negative eigenvalues, `decay` mu > 0.

    Example:
        >>> ridge_optimum(torch.diag(torch.tensor([1.0, 0.0])), torch.tensor([4.0, 4.0]), decay=1.0)
        tensor([2., 0.])
    """
    damped = hessian + decay * torch.eye(len(hessian), dtype=hessian.dtype, device=hessian.device)
    return torch.linalg.solve(damped, hessian @ optimum)


def decay_shrinkage(eigenvalue: float, decay: float) -> float:
    """What weight decay leaves of the solution along an eigenvector, lambda / (lambda + mu)."""
    return eigenvalue / (eigenvalue + decay)


def early_shrinkage(eigenvalue: float, lr: float, steps: int | float) -> float:
    """What gradient descent from zero has reached of the solution along an eigenvector, 1 - (1 - eta lambda)^t."""
    return 1 - (1 - lr * eigenvalue) ** steps


def equivalent_steps(lr: float, decay: float) -> float:
    """When to stop to have about the effect of weight decay, t = 1 / (eta mu)."""
    return 1 / (lr * decay)
