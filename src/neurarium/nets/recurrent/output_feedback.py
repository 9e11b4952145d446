"""A recurrent net whose answer goes back into its next answer.

    h_t = f(x_t, h_(t-1)),    y_t = tanh(V h_t + R y_(t-1) + b)

Free-running, y_(t-1) is what the net itself has said; teacher-forced, it is what it should have said: then no answer
waits for another.

Source: notes 001, y_t = g(y_(t-1), h_t); M. Jordan, "Serial order: a parallel distributed processing approach", 1986,
who lets the answer go back into the hidden layer.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.recurrent.cell import Cell
from neurarium.nets.recurrent.elman import Elman
from neurarium.nets.recurrent.encoder import CausalEncoder, State


class OutputFeedback(CausalEncoder, nn.Module):
    """The net above around any cell f; g is Elman's cell, whose input is h_t and whose state is y."""

    def __init__(self, cell: Cell, outputs: int) -> None:
        super().__init__()
        self.cell, self.output, self.features = cell, Elman(cell.features, outputs), outputs

    def forward(
        self,
        x: Float[Tensor, "batch time inputs"],
        lengths: Int[Tensor, "batch"] | None = None,
        taught: Float[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "batch time outputs"]:
        """Answers of every step; `taught` is what each step should say, where a teacher forces them.

        Raises ShapeError: another shape of `taught`.
        """
        h = self.cell(x, lengths)
        if taught is None:
            return self.output(h, lengths)
        expected = (*x.shape[:2], self.features)
        if taught.shape != expected:
            raise ShapeError(
                "taught", expected=f"shape {expected}, an answer a step", got=f"shape {tuple(taught.shape)}"
            )
        (first,) = self.output.start(len(x), x)
        before = torch.cat([first[:, None], taught[:, :-1]], 1)
        rows = self.output.update(self.output.drive(h).flatten(0, 1), (before.flatten(0, 1),))[0]
        return rows.view(expected)

    def start(self, batch: int, like: Tensor) -> State:
        """The cell's state, and the answer before the first."""
        return (self.cell.start(batch, like), self.output.start(batch, like))

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch outputs"], State]:
        """Answer once more, after what was answered last."""
        h, of_cell = self.cell.step(x, state[0])
        y, of_output = self.output.step(h, state[1])
        return y, (of_cell, of_output)
