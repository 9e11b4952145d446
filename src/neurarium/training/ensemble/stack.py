"""Several nets of one architecture as the rows of one tensor, so that each operation serves them all.

    P (members, N),  row k = all trainable numbers of net k;    one step: P <- optimizer(P, G),  G_k = dL_k/dP_k

The nets' own parameters become views of their rows: whatever reads a net sees its present weights. An optimizer that
works element by element does to a row of P what it would do to that net alone.

Source: batching over functions: R. Frostig, M. Johnson, C. Leary, "Compiling machine learning programs via high-level
tracing", 2018 (vmap).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from neurarium.data.batch import Batch
from neurarium.tasks.task import Trainable, detached, in_floats
from neurarium.training.ensemble.graph import traced

WORTH_WRITING_OUT = 100  # calls from which writing a function out (some 50 ms, against 0.5 ms a call) has paid
Tensors = tuple[Tensor, ...]
PerMember = Shaped[Tensor, " members"]


def scores_of(
    task: Trainable, net: nn.Module, weights: dict[str, Tensor], inputs: Tensors, targets: Tensors
) -> tuple[Tensor, Tensor, Tensor]:
    """Terms of the loss, sum of the errors, and counts of a net with other weights on a batch."""
    batch = Batch(inputs, targets, len(inputs[0]))
    outputs = in_floats(functional_call(net, weights, inputs))
    counts = task.counts(batch)
    return torch.stack(task.terms(outputs, batch, counts)), task.errors(detached(outputs), batch), counts


class Stack:
    """The nets, their gradients and their common optimizer.

    Args:
        nets: of one architecture, on one device, in training mode; their parameters become views of this stack. The
            first one's modules compute for all.
        optimizers: each net's own, over its trainable parameters; their states are taken up.
        task: what to make small; it calls a net on its inputs as they are.
        build: makes the common optimizer over a list of tensors.
    """

    def __init__(
        self,
        nets: Sequence[nn.Module],
        optimizers: Sequence[torch.optim.Optimizer],
        task: Trainable,
        build: Callable[[list[nn.Parameter]], torch.optim.Optimizer],
    ) -> None:
        self.nets, self.optimizers, self.task = nets, optimizers, task
        self.names = [name for name, p in nets[0].named_parameters() if p.requires_grad]
        own = [dict(net.named_parameters()) for net in nets]
        self.shapes = [own[0][name].shape for name in self.names]
        self.sizes = [shape.numel() for shape in self.shapes]
        rows = [torch.cat([p[name].detach().flatten() for name in self.names]) for p in own]
        self.rows = nn.Parameter(torch.stack(rows))
        self._parameters = [[p[name] for name in self.names] for p in own]
        for k, parameters in enumerate(self._parameters):
            for parameter, part in zip(parameters, self._parts(self.rows.data[k]), strict=True):
                parameter.data = part
        self.fixed = self._stacked_rest()
        self.optimizer = build([self.rows])
        self._join_states()
        self._functions: dict[Any, Callable[..., Any]] = {}

    def gradients(self, inputs: Tensors, targets: Tensors, uses: int) -> tuple[PerMember, PerMember, PerMember]:
        """Leave each member's gradient on its own batch in `rows.grad`.

        Args:
            inputs: a batch for each member, (members, batch, *shape).
            uses: how often batches of this shape will come.
        Returns loss, sum of the errors, and number of the units that they are counted over, of each member.
        """
        function = vmap(grad_and_value(self._loss, has_aux=True), randomness="different")
        self.rows.grad, (loss, (errors, counts)) = self._call("gradients", function, uses, inputs, targets)
        return loss, errors, counts

    def measure(
        self, inputs: Tensors, targets: Tensors, uses: int
    ) -> tuple[Float[Tensor, "members terms"], PerMember, Float[Tensor, "members terms_and_error"]]:
        """Return terms of the loss, errors and counts of each member on the same batch, learning nothing."""
        function = vmap(self._scores, in_dims=(0, 0, None, None))
        self.nets[0].eval()
        try:
            terms, errors, counts = self._call("measure", function, uses, inputs, targets)
        finally:
            self.nets[0].train()
        return terms, errors, counts

    def gradient_norms(self) -> Float[Tensor, " members"]:
        """Euclidean length of each member's gradient."""
        assert self.rows.grad is not None
        return torch.linalg.vector_norm(self.rows.grad, dim=1)

    def hand_back(self, k: int) -> None:
        """Copy the optimizer's state of row k to member k's own optimizer, for a checkpoint or for going on alone."""
        common = self.optimizer.state.get(self.rows, {})
        split = {
            name: self._parts(value[k]) if _is_rowwise(value, self.rows) else [value] * len(self.names)
            for name, value in common.items()
        }
        own = self.optimizers[k].state
        for index, parameter in enumerate(self._parameters[k]):
            entry = {name: values[index] for name, values in split.items()}
            own[parameter] = {n: v.clone() if isinstance(v, Tensor) else v for n, v in entry.items()}
        if not common:
            own.clear()

    def release(self, k: int) -> None:
        """Give member k weights of its own, which the stack no longer moves, and its optimizer's state."""
        self.hand_back(k)
        with torch.no_grad():
            for parameter in self._parameters[k]:
                parameter.data = parameter.data.clone()

    def _loss(
        self, row: Tensor, fixed: dict[str, Tensor], inputs: Tensors, targets: Tensors
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Loss of one member, beside it errors and count."""
        terms, errors, counts = self._scores(row, fixed, inputs, targets)
        return terms.sum(), (errors, counts[-1])

    def _scores(
        self, row: Tensor, fixed: dict[str, Tensor], inputs: Tensors, targets: Tensors
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Terms, errors and counts of one member."""
        named = dict(zip(self.names, self._parts(row), strict=True))
        return scores_of(self.task, self.nets[0], named | fixed, inputs, targets)

    def _call(self, kind: str, function: Callable[..., Any], uses: int, inputs: Tensors, targets: Tensors) -> Any:
        """Call a batched function as it is, or written out where that pays."""
        arguments = (self.rows.detach(), self.fixed, inputs, targets)
        if uses >= WORTH_WRITING_OUT:
            key = (kind, inputs[0].shape)
            if key not in self._functions:
                self._functions[key] = traced(function, *arguments)
            function = self._functions[key]
        with torch.no_grad():
            return function(*arguments)

    def _parts(self, row: Tensor) -> list[Tensor]:
        """Cut a row into tensors of the parameters' shapes."""
        return [part.view(shape) for part, shape in zip(row.split(self.sizes), self.shapes, strict=True)]

    def _stacked_rest(self) -> dict[str, Tensor]:
        """Buffers and frozen parameters of all members: they may differ by seed, and do not change."""
        rest = [
            {n: t for n, t in [*net.named_parameters(), *net.named_buffers()] if n not in self.names}
            for net in self.nets
        ]
        return {name: torch.stack([r[name].detach() for r in rest]) for name in rest[0]}

    def _join_states(self) -> None:
        """Take up the members' optimizer states, which are all equally far."""
        states = [
            [optimizer.state.get(p, {}) for p in parameters]
            for optimizer, parameters in zip(self.optimizers, self._parameters, strict=True)
        ]
        first = states[0][0] if states[0] else {}
        for name, value in first.items():
            if isinstance(value, Tensor) and value.shape == self.shapes[0] and value.dim() > 0:
                rows = [torch.cat([entry[name].flatten() for entry in state]) for state in states]
                self.optimizer.state[self.rows][name] = torch.stack(rows)
            else:
                self.optimizer.state[self.rows][name] = value.clone() if isinstance(value, Tensor) else value


def _is_rowwise(value: Any, rows: Tensor) -> bool:
    return isinstance(value, Tensor) and value.shape == rows.shape
