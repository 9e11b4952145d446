"""Modern Hopfield layers for use inside any net: association, pooling, lookup.

    xi_0 = R W_Q,    K = Y W_K,    V = Y W_V
    xi <- softmax(beta xi K^T) K        steps - 1 times
    Z = softmax(beta xi K^T) V W_O

    association    states R and memory Y are both inputs
    pooling        R is learned: a set of any size becomes a few vectors
    lookup         Y is learned: inputs are compared with prototypes

With one step this is attention with several heads; further steps let each state settle first.

Shapes: q states, s stored rows, h heads of d/h features each.

Source: H. Ramsauer et al., "Hopfield networks is all you need", 2021, who write V = Y W_K W_V: the same functions.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.modern_hopfield import check_beta


def associate(
    state: Float[Tensor, "*batch q d"],
    keys: Float[Tensor, "*batch s d"],
    values: Float[Tensor, "*batch s v"],
    beta: float,
    steps: int = 1,
    mask: Bool[Tensor, "*mask"] | None = None,
) -> Float[Tensor, "*batch q v"]:
    """Let states settle among the keys for `steps` - 1 updates, then read the values.

    `mask`: True where a state may use a stored row; broadcast to (*batch, q, s). A state that may use none reads 0.
    """
    for _ in range(steps - 1):
        state = F.scaled_dot_product_attention(state, keys, keys, attn_mask=mask, scale=beta)
    return F.scaled_dot_product_attention(state, keys, values, attn_mask=mask, scale=beta)


class HopfieldAssociation(nn.Module):
    """Associate states with a memory, both given.

    Args:
        memory_features: numbers a stored row; none: as many.
        features: width of the association, divided among the heads; none: `state_features`.
        heads: memories side by side, each with projections of its own.
        beta: inverse temperature; none: 1 / sqrt(features of a head).
    Raises ConfigError: heads that do not divide the features, `beta` not above 0, no step.
    """

    def __init__(
        self,
        state_features: int,
        memory_features: int | None = None,
        *,
        features: int | None = None,
        outputs: int | None = None,
        heads: int = 1,
        beta: float | None = None,
        steps: int = 1,
    ) -> None:
        super().__init__()
        width = state_features if features is None else features
        if heads < 1 or width < 1 or width % heads:
            raise ConfigError("heads", expected=f"a divisor of the {width} features", got=str(heads))
        if steps < 1:
            raise ConfigError("steps", expected="an integer >= 1", got=str(steps))
        self.heads, self.steps = heads, steps
        self.beta = (width // heads) ** -0.5 if beta is None else beta
        check_beta(self.beta)
        self.state_features = state_features
        self.memory_features = state_features if memory_features is None else memory_features
        self.query = nn.Linear(self.state_features, width)
        self.key = nn.Linear(self.memory_features, width)
        self.value = nn.Linear(self.memory_features, width)
        self.out = nn.Linear(width, state_features if outputs is None else outputs)

    def forward(
        self,
        states: Float[Tensor, "batch q _"],
        memory: Float[Tensor, "batch s _"],
        mask: Bool[Tensor, "batch s"] | None = None,
    ) -> Float[Tensor, "batch q outputs"]:
        """Answer each state from the memory of its example; the mask is True for rows that count. Raises ShapeError."""
        _check_rows("states", states, self.state_features)
        _check_rows("memory", memory, self.memory_features)
        if len(states) != len(memory):
            raise ShapeError("memory", expected=f"a batch of {len(states)}, as the states", got=str(len(memory)))
        if mask is not None and mask.shape != memory.shape[:2]:
            raise ShapeError("mask", expected=str(tuple(memory.shape[:2])), got=str(tuple(mask.shape)))
        found = associate(
            self._split(self.query(states)),
            self._split(self.key(memory)),
            self._split(self.value(memory)),
            self.beta,
            self.steps,
            None if mask is None else mask[:, None, None],
        )
        return self.out(found.transpose(1, 2).flatten(2))

    def _split(self, rows: Tensor) -> Tensor:
        """(batch, rows, features) -> (batch, heads, rows, features of a head)."""
        return rows.unflatten(2, (self.heads, -1)).transpose(1, 2)


class HopfieldPooling(nn.Module):
    """Turn a set of rows into a few vectors by learned states; the order of the rows does not matter."""

    def __init__(
        self, features: int, states: int = 1, *, heads: int = 1, beta: float | None = None, steps: int = 1
    ) -> None:
        super().__init__()
        _check_count("states", states)
        self.association = HopfieldAssociation(features, heads=heads, beta=beta, steps=steps)
        self.states = nn.Parameter(torch.randn(states, features))

    def forward(
        self, memory: Float[Tensor, "batch s features"], mask: Bool[Tensor, "batch s"] | None = None
    ) -> Float[Tensor, "batch states features"]:
        """Pool each set; `mask` is True for the rows that count. Raises ShapeError: rows of another width or mask."""
        return self.association(self.states.expand(len(memory), -1, -1), memory, mask)


class HopfieldLookup(nn.Module):
    """Answer each row from a learned memory, the same for all examples."""

    def __init__(
        self,
        features: int,
        memories: int,
        *,
        outputs: int | None = None,
        heads: int = 1,
        beta: float | None = None,
        steps: int = 1,
    ) -> None:
        super().__init__()
        _check_count("memories", memories)
        self.association = HopfieldAssociation(features, outputs=outputs, heads=heads, beta=beta, steps=steps)
        self.memory = nn.Parameter(torch.randn(memories, features))

    def forward(self, states: Float[Tensor, "batch q features"]) -> Float[Tensor, "batch q outputs"]:
        """Look each row up. Raises ShapeError: rows of another width."""
        return self.association(states, self.memory.expand(len(states), -1, -1))


def _check_rows(subject: str, rows: Tensor, features: int) -> None:
    if rows.dim() != 3 or rows.shape[2] != features:
        raise ShapeError(subject, expected=f"(batch, rows, {features})", got=f"a tensor of shape {tuple(rows.shape)}")


def _check_count(subject: str, count: int) -> None:
    if count < 1:
        raise ConfigError(subject, expected="an integer >= 1", got=str(count))
