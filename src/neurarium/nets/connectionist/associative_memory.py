"""Associative memory with room for so many patterns: it turns examples into patterns, stores them and recalls them.

    sigma_i = +1 where x_i > level_i, else -1          units of an example
    memory  = stored patterns in the order in which they came, under one of the rules of storage
    answer  = where the memory comes to rest from sigma

The room is fixed from the start, so that a state dictionary of any moment fits; what the memory is made of (couplings,
differences of energies) follows from the patterns and is made anew where they have changed. Nothing is learned by
gradients.

Shapes: examples (batch, *shape); n neurons, one a number of an example; states in rows.
"""

import warnings
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, NonFiniteError, choose
from neurarium.nets.connectionist.dense_memory import DenseMemory
from neurarium.nets.connectionist.hopfield import HopfieldNet
from neurarium.nets.connectionist.hopfield_spec import Storage
from neurarium.nets.connectionist.modern_hopfield import ModernMemory
from neurarium.nets.connectionist.patterns import CapacityWarning
from neurarium.nets.connectionist.retrieval import Retrieval
from neurarium.nets.interfaces import Memory
from neurarium.nets.parts.flat import flat

PatternMemory = HopfieldNet | DenseMemory | ModernMemory


def make_memory(
    patterns: Float[Tensor, "patterns neurons"],
    storage: str = "pseudo-inverse",
    order: int | None = None,
    beta: float | None = None,
) -> PatternMemory:
    """Store patterns of -1 and +1 by a rule that is named.

    Args:
        storage: "dense", "modern", or one of `hopfield_storage.STORAGES`.
        order: of the dense memory's polynomial; none: exponential.
        beta: of the modern memory; none: 1 / sqrt(n).
    Raises ConfigError, ShapeError, DataError; warns CapacityWarning: more patterns than the memory holds.
    """
    if storage == "modern":
        return ModernMemory(patterns, beta)
    if storage == "dense":
        return DenseMemory(patterns, "exponential" if order is None else order)
    return HopfieldNet.storing(patterns, storage)


class BinaryUnits(nn.Module):
    """Turns examples into states: +1 above the level, -1 up to it; a level a unit, in the shape of an example."""

    level: Tensor

    def __init__(self, level: Float[Tensor, "*shape"]) -> None:
        super().__init__()
        # it follows from the units of the data, which a run keeps elsewhere
        self.register_buffer("level", level.flatten(), persistent=False)

    def forward(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch neurons"]:
        """The states of a batch. Raises ShapeError: another count of numbers; NonFiniteError: NaN or inf."""
        x = flat(x, len(self.level), "layer units")
        bad = (~x.isfinite()).any(1).nonzero()
        if len(bad):
            raise NonFiniteError(
                f"input of layer units, example {int(bad[0])} of the batch",
                expected="finite numbers",
                got="NaN or inf",
                remedy="leave such examples out",
            )
        return torch.where(x > self.level, 1.0, -1.0).to(self.level.dtype)


class AssociativeMemory(nn.Module, Memory):
    """The net described above, with room for so many patterns; `level` is in the shape of an example.

    Raises ConfigError: no room for a pattern, or an unknown storage.

    Example:
        >>> net = AssociativeMemory(torch.full((2, 3), 0.5), patterns=4)
        >>> net.store(torch.tensor([[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]]))
        1
        >>> net(torch.tensor([[[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]]))
        tensor([[[ 1., -1., -1.],
                 [ 1.,  1., -1.]]])
    """

    units: BinaryUnits
    patterns: Tensor
    stored: Tensor

    def __init__(
        self,
        level: Float[Tensor, "*shape"],
        patterns: int,
        storage: str = "pseudo-inverse",
        order: int | None = None,
        beta: float | None = None,
    ) -> None:
        super().__init__()
        if patterns < 1:
            raise ConfigError("patterns", expected="room for at least one", got=str(patterns))
        self.storage = choose(storage, {kind: kind for kind in get_args(Storage)}, subject="storage")
        self.shape, self.order, self.beta = tuple(level.shape), order, beta
        self.units = BinaryUnits(level)
        self.register_buffer("patterns", torch.zeros(patterns, level.numel(), dtype=torch.int8))
        self.register_buffer("stored", torch.zeros((), dtype=torch.int64))
        self._made: tuple[Tensor, PatternMemory] | None = None

    @property
    def kept(self) -> Float[Tensor, "stored neurons"]:
        """The patterns stored so far, -1 and +1, in the order in which they came."""
        return self.patterns[: int(self.stored)].to(self.units.level.dtype)

    @property
    def memory(self) -> PatternMemory:
        """The memory of the patterns stored so far. Raises DataError: none are."""
        kept = self.kept
        if not len(kept):
            raise DataError("memory", expected="at least one stored pattern", got="none", remedy="store(examples)")
        made, kind = self._made, (kept.dtype, kept.device)
        if made is None or (made[0].dtype, made[0].device) != kind or not torch.equal(made[0], kept):
            with warnings.catch_warnings():
                # said once and beforehand, by `capacity_notice`, not whenever the memory grows
                warnings.simplefilter("ignore", CapacityWarning)
                self._made = made = kept, make_memory(kept, self.storage, self.order, self.beta)
        return made[1]

    @torch.no_grad()
    def store(self, x: Float[Tensor, "batch *shape"]) -> int:
        """Store the first examples of a batch; raises DataError: all in the memory would be -1, or +1."""
        first, room = int(self.stored), len(self.patterns) - int(self.stored)
        new = self.units(x)[:room]
        everything = torch.cat([self.kept, new])
        if len(new) and bool((everything == everything[:, :1]).all()):
            raise DataError(
                "images to store",
                expected="values on both sides of the threshold",
                got="images of one value each, all -1 or all +1",
                remedy="say which values are the least and largest of the data (its value range), or --net.threshold",
            )
        self.patterns[first : first + len(new)] = new.to(torch.int8)
        self.stored += len(new)
        return len(new)

    @torch.no_grad()
    def recall(
        self, probes: Float[Tensor, "probes neurons"], *, seed: int = 0, sweeps: int = 100, trace: bool = False
    ) -> Retrieval:
        """Let states come to rest: unit by unit in an order drawn from `seed`, or all at once in a modern memory.

        Raises DataError: nothing is stored, or others than -1 and +1; ShapeError: another width; ConfigError: no sweep.
        """
        memory = self.memory
        if isinstance(memory, ModernMemory):
            return memory.recall(probes, steps=sweeps, trace=trace)
        return memory.recall(probes, seed=seed, sweeps=sweeps, trace=trace)

    @torch.no_grad()
    def energy(self, states: Float[Tensor, "probes neurons"]) -> Float[Tensor, "probes"]:
        """Energy of each state, in float64. Raises DataError: nothing is stored."""
        return self.memory.energy(states)

    @torch.no_grad()
    def forward(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """What the memory makes of examples, in their shape (real numbers if modern); an empty one changes nothing."""
        units: Tensor = self.units(x)
        states: Tensor = self.memory(units) if int(self.stored) else units
        return states.to(x.dtype).reshape(x.shape)

    def capacity_notice(self, patterns: int | None = None) -> str | None:
        """Say whether more patterns are to be stored than the memory holds; none where they are not."""
        count = len(self.patterns) if patterns is None else patterns
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CapacityWarning)
            # only the numbers of patterns and neurons decide it
            make_memory(torch.ones(count, len(self.units.level)), self.storage, self.order, self.beta)
        return str(caught[0].message) if caught else None
