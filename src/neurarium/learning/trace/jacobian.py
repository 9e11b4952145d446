"""Norm and largest singular values of a Jacobian from its products with vectors alone.

With y = f(x) for one example, J = dy/dx of shape (outputs, inputs):

    J^T u   by back-propagating u                            (a vector-Jacobian product)
    J v     by back-propagating v through u -> J^T u,        (which is linear in u: its own transpose is J)
            so that neither needs more than the graph of one forward pass

    ||J||_F^2 = E ||J^T u||^2           for u of independent standard normal numbers

For the singular values, J is restricted to an orthonormal basis V of the Krylov space of J^T J that begins at
random vectors, and those of J V are taken (Rayleigh-Ritz). They never exceed the true ones and rise to them with every
iteration; where V spans all that J can see they are the true ones.

Source: C. Musco, C. Musco, "Randomized block Krylov methods for stronger and faster approximate singular value
decomposition", 2015; the product by two backward passes: J. Townsend, "A new trick for calculating Jacobian vector
products", 2017; the estimate of the norm: M. Hutchinson, 1989.
Departs from the notes: they print the Jacobian in the recurrence for the error signal without its partial signs, and
the gradient of the parameters without the transpose: dL/dW = (dh/dW)^T delta (errata E37).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

OVERSAMPLING = 2
"""Random vectors beyond the singular values asked for: they keep the last of them from lagging behind."""

EXACT_UP_TO = 16
"""Inputs or outputs up to which as many vectors as there are of them are taken: the numbers are exact then."""


@dataclass(frozen=True)
class Spectrum:
    """Size of a Jacobian.

    Attributes:
        norm: Frobenius norm, root mean square over the examples.
        values: largest singular values, means over the examples, falling.
        exact: false where both are estimates.
    """

    norm: float
    values: tuple[float, ...]
    exact: bool


@runtime_checkable
class Products(Protocol):
    """Products of the Jacobians of several examples with several vectors each."""

    examples: int
    copies: int
    inputs: int
    outputs: int

    def transposed(self, u: Tensor) -> Tensor:
        """J^T u: (examples, copies, outputs) to (examples, copies, inputs)."""

    def straight(self, v: Tensor) -> Tensor:
        """J v: (examples, copies, inputs) to (examples, copies, outputs)."""


class MatrixProducts:
    """Products with a Jacobian that is there already: the weights of a linear layer."""

    def __init__(self, weight: Float[Tensor, "outputs inputs"], copies: int) -> None:
        self._weight = weight.detach().to(torch.promote_types(weight.dtype, torch.float32))
        self.examples, self.copies = 1, copies
        self.outputs, self.inputs = weight.shape

    def transposed(self, u: Float[Tensor, "1 copies outputs"]) -> Float[Tensor, "1 copies inputs"]:
        """J^T u."""
        return u @ self._weight

    def straight(self, v: Float[Tensor, "1 copies inputs"]) -> Float[Tensor, "1 copies outputs"]:
        """J v."""
        return v @ self._weight.mT


class GraphProducts:
    """Products of the Jacobians of several examples with several vectors each, all in one go.

    Args:
        function: from inputs, each (rows, ...), to an output (rows, ...), row by row on its own.
        inputs: each (examples, ...); together they make up x.
        copies: vectors an example.
    """

    def __init__(self, function: Callable[[list[Tensor]], Tensor], inputs: Sequence[Tensor], copies: int) -> None:
        self.examples, self.copies = len(inputs[0]), copies
        self._leaves = [x.detach().repeat_interleave(copies, 0).requires_grad_() for x in inputs]
        # cloned, because a layer may work in place, which a leaf does not bear
        self._y = function([leaf.clone() for leaf in self._leaves])
        self._probe = torch.zeros_like(self._y, requires_grad=True)
        self._pulled = self._pull(self._probe, graph=True)
        self.inputs = sum(leaf[0].numel() for leaf in self._leaves)
        self.outputs = self._y[0].numel()

    def transposed(self, u: Float[Tensor, "examples copies outputs"]) -> Float[Tensor, "examples copies inputs"]:
        """J^T u for each example and vector."""
        pulled = self._pull(u.reshape(self._y.shape).to(self._y.dtype), graph=False)
        return torch.cat([g.flatten(1) for g in pulled], 1).view(self.examples, self.copies, -1).to(u.dtype)

    def straight(self, v: Float[Tensor, "examples copies inputs"]) -> Float[Tensor, "examples copies outputs"]:
        """J v for each example and vector. Raises RuntimeError: torch knows no second derivative of the function."""
        parts = v.reshape(-1, self.inputs).split([leaf[0].numel() for leaf in self._leaves], 1)
        given = [p.reshape(g.shape).to(g.dtype) for p, g in zip(parts, self._pulled, strict=True)]
        reached = [(g, p) for g, p in zip(self._pulled, given, strict=True) if g.requires_grad]
        if not reached:  # the output does not depend on the inputs
            return v.new_zeros(self.examples, self.copies, self.outputs)
        (pushed,) = torch.autograd.grad(
            [g for g, _ in reached], self._probe, [p for _, p in reached], retain_graph=True, materialize_grads=True
        )
        return pushed.reshape(self.examples, self.copies, -1).to(v.dtype)

    def _pull(self, u: Tensor, graph: bool) -> tuple[Tensor, ...]:
        if not self._y.requires_grad:
            return tuple(torch.zeros_like(leaf) for leaf in self._leaves)
        return torch.autograd.grad(
            self._y, self._leaves, u, create_graph=graph, retain_graph=True, materialize_grads=True
        )


def copies_for(inputs: int, outputs: int, count: int) -> int:
    """How many random vectors to take for `count` singular values of a Jacobian of this size."""
    least = min(inputs, outputs)
    return least if least <= EXACT_UP_TO else count + OVERSAMPLING


def function_spectrum(
    function: Callable[[list[Tensor]], Tensor],
    inputs: Sequence[Tensor],
    outputs: int,
    count: int,
    iterations: int,
    generator: torch.Generator,
) -> Spectrum:
    """Measure the Jacobians of a function for single examples.

    Example:
        >>> w = torch.diag(torch.tensor([3.0, 4.0]))
        >>> found = function_spectrum(lambda x: x[0] @ w, [torch.ones(1, 2)], 2, 2, 1, torch.Generator())
        >>> round(found.norm, 4), [round(value, 4) for value in found.values], found.exact
        (5.0, [4.0, 3.0], True)
    """
    copies = copies_for(sum(x[0].numel() for x in inputs), outputs, count)
    return spectrum(GraphProducts(function, inputs, copies), count, iterations, generator, inputs[0])


def matrix_spectrum(
    weight: Float[Tensor, "outputs inputs"], count: int, iterations: int, generator: torch.Generator
) -> Spectrum:
    """Measure a Jacobian that is there as a matrix, the same way: its whole decomposition would take far longer."""
    copies = copies_for(weight.shape[1], weight.shape[0], count)
    return spectrum(MatrixProducts(weight, copies), count, iterations, generator, weight)


def spectrum(products: Products, count: int, iterations: int, generator: torch.Generator, like: Tensor) -> Spectrum:
    """Measure Jacobians by their products.

    Args:
        iterations: blocks of so many vectors in the Krylov space; at least 1.
        generator: of the random vectors, on the CPU.
        like: has the number format and the device to compute in.
    """
    copies, least = products.copies, min(products.inputs, products.outputs)
    dtype = torch.promote_types(like.dtype, torch.float32)
    sizes = (products.examples, copies, products.outputs)
    u = torch.randn(sizes, generator=generator, dtype=dtype).to(like.device)
    pulled = products.transposed(u)
    if not pulled.isfinite().all():
        return Spectrum(float("nan"), (float("nan"),) * min(count, least), False)
    basis, images = pulled[:, :0], u[:, :0]
    for step in range(1 if copies == least else iterations):
        new = _orthonormal_beyond(basis, products.transposed(images[:, -copies:]) if step else pulled)
        if new.shape[1] == 0:
            break
        basis = torch.cat([basis, new], 1)
        image = products.straight(torch.nn.functional.pad(new, (0, 0, 0, copies - new.shape[1])))
        images = torch.cat([images, image], 1)
    gram = (images @ images.mT).cpu().double()
    values = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt().flip(-1)
    # random vectors as many as the rank at most span all at once; a Krylov space stops short where values are equal
    exact = copies == least or basis.shape[1] == products.inputs
    squares = gram.diagonal(dim1=1, dim2=2).sum(1) if exact else pulled.double().square().sum((1, 2)) / copies
    top = values.mean(0)[: min(count, least)]
    return Spectrum(float(squares.mean().sqrt()), tuple(top.tolist()), exact)


def diagonal_spectrum(function: Callable[[Tensor], Tensor], x: Float[Tensor, "examples ..."], count: int) -> Spectrum:
    """Measure the Jacobians of a function that works element by element: one backward pass gives them whole.

    The derivatives are the diagonal of J; their absolute values are its singular values.

    Example:
        >>> diagonal_spectrum(torch.square, torch.tensor([[1.5, -2.0]]), count=1)
        Spectrum(norm=5.0, values=(4.0,), exact=True)
    """
    leaf = x.detach().requires_grad_()
    y = function(leaf.clone())
    if not y.requires_grad:
        return Spectrum(0.0, (0.0,) * min(count, y[0].numel()), True)
    (derivative,) = torch.autograd.grad(y, leaf, torch.ones_like(y), materialize_grads=True)
    each = derivative.flatten(1).abs().double()
    values = each.topk(min(count, each.shape[1])).values.mean(0)
    return Spectrum(float(each.square().sum(1).mean().sqrt()), tuple(values.tolist()), True)


def _orthonormal_beyond(
    basis: Float[Tensor, "examples old inputs"], vectors: Float[Tensor, "examples new inputs"]
) -> Float[Tensor, "examples added inputs"]:
    """Rows that continue an orthonormal basis by the directions of `vectors`, as far as there is room."""
    together = torch.cat([basis, vectors], 1).mT
    q: Tensor = torch.linalg.qr(together).Q
    return q[:, :, basis.shape[1] :].mT
