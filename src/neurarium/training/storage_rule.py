"""Hopfield's way of learning in the trainer: examples are stored as they come, until the memory has what it wants.

The first `patterns` examples of the first epoch are stored; all that come later change nothing. Their order is drawn
from the run's seed, so the seed decides what is stored. Labels are not looked at. Reported are, after the examples of a
batch have been stored, for the patterns of the memory so far (for _SCORED of them, evenly spread, where it holds more),

    objective       1/n H(x), mean over the patterns: energy a neuron
    errors          share of wrong units after the recall, `flip` of the units turned round before, times the batch size
    gradient_norm   number of patterns that the batch added

and in measurements the sums over the examples of H(x)/n and of the same share of wrong units. These examples are not
stored (development and test): they say how far recall leads away from a picture that the memory does not know, and by
how much the energy of known pictures lies below that of unknown ones. An error is never the share of wrong labels. The
units to be turned round and the order of updates are the same in every measurement; the run's generators stand still.

Source: J. Hopfield, "Neural networks and physical systems with emergent collective computational abilities", 1982.
"""

from typing import Any

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.learning.criterion import Criterion
from neurarium.learning.recall import recall_scores
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.training.device import Placement
from neurarium.training.recipe import Recipe
from neurarium.training.rule import Update
from neurarium.training.without_gradient import refuse_gradient_settings

_MEASUREMENT_SEED = 0
_SCORED = 256  # patterns whose recall is measured after a batch


class StorageRule:
    """Learning rule: store what comes.

    Args:
        net: an `AssociativeMemory`, on its device.
        recipe: its net is a `HopfieldSpec`, which says how many are stored and how recall is measured.
        placement: not looked at.
        criterion: not looked at.
        total_steps: not looked at.
        classes: not looked at.

    Attributes:
        finished: whether the first epoch has ended; no further one changes the memory.
        notices: what is to be said about the sizes.

    Raises:
        ConfigError: another net, or a setting that has no meaning here.
    """

    def __init__(
        self,
        net: nn.Module,
        recipe: Recipe,
        placement: Placement,
        criterion: Criterion,
        total_steps: int,
        classes: int | None = None,
    ) -> None:
        if not (isinstance(net, AssociativeMemory) and isinstance(recipe.net, HopfieldSpec)):
            raise ConfigError("net", expected="hopfield for storing patterns", got=type(net).__name__)
        words = "--optimiser.name sgd and nothing more"
        refuse_gradient_settings(recipe, "own", "a Hopfield network", words)
        self.net: nn.Module = net
        self._memory, self._flip, self._rate = net, recipe.net.flip, recipe.optimiser.lr
        self._scores: tuple[float, float] | None = None
        self.finished = False
        self.notices: list[str] = []

    def look_at(self, examples: Examples) -> None:
        """Say what the sizes promise: too few examples, more patterns than the memory holds."""
        room, count = len(self._memory.patterns), len(examples)
        if count < room:
            self.notices.append(f"only {count:,} training examples: all of them are stored, {room:,} were wanted")
        capacity = self._memory.capacity_notice(min(room, count))
        if capacity is not None:
            self.notices.append(capacity)

    def step(self, batch: Batch, step: int) -> Update:
        """Store examples of a batch where there is room; see `LearningRule.step` and the sums above.

        Raises:
            DataError: see `AssociativeMemory.store`.
        """
        added = 0 if self.finished else self._memory.store(batch.inputs)
        if added or self._scores is None:
            kept = self._memory.kept
            chosen = torch.linspace(0, len(kept) - 1, min(len(kept), _SCORED), device=kept.device).round().long()
            self._scores = self._score(kept[chosen])
        objective, wrong = self._scores
        return Update(objective, wrong * len(batch), float(added), self._rate)

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Return the sums over the batch of energy a neuron and share of wrong units after recall."""
        with torch.inference_mode():
            objective, wrong = self._score(self._memory.units(batch.inputs))
        return objective * len(batch), wrong * len(batch)

    def epoch_ended(self, score: float) -> None:
        """Note that all examples have been seen."""
        self.finished = True

    def state_dict(self) -> dict[str, Any]:
        """Return whether storing is over; the patterns are the net's."""
        return {"finished": self.finished}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.finished, self._scores = state["finished"], None

    def _score(self, patterns: Tensor) -> tuple[float, float]:
        """Mean energy a neuron, and share of wrong units after the recall."""
        energy = float(self._memory.energy(patterns).mean()) / patterns.shape[1]
        return energy, 1 - recall_scores(self._memory.recall, patterns, self._flip, _MEASUREMENT_SEED).right_after
