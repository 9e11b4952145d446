"""Hopfield's way of learning in the trainer: examples are stored as they come, until the memory has what it wants.

The first `patterns` examples of the first epoch are stored; all that come later change nothing. Their order is drawn
from the run's seed, so the seed decides what is stored. Labels are not looked at. Reported are, after the examples of a
batch have been stored, for the patterns of the memory so far (for _SCORED of them, evenly spread, where it holds more),

    loss       1/n H(x), mean over the patterns: energy a neuron
    errors          fraction of wrong units after the recall, `flip` of the units flipped before, times the batch size
    gradient_norm   number of patterns that the batch added

and in measurements the sums over the examples of H(x)/n and of the same fraction of wrong units. These examples are not
stored (validation and test): they say how far recall leads away from an image that the memory does not know, and by
how much the energy of known images lies below that of unknown ones. An error is never the fraction of wrong labels. The
units to be flipped and the order of updates are the same in every measurement; the run's generators stand still.

Source: J. Hopfield, "Neural networks and physical systems with emergent collective computational abilities", 1982.
"""

from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.learning.recall import recall_scores
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Memory
from neurarium.tasks.task import Context
from neurarium.training.rules.rule import LearningRule, Setup, Sums, Update

_MEASUREMENT_SEED = 0
_SCORED = 256  # patterns whose recall is measured after a batch


class StorageRule(LearningRule):
    """Learning rule: store what comes. The rate of plain sgd is reported and has no effect.

    `finished`: whether the first epoch has ended; no further one changes the memory.
    Raises ConfigError: a net that is no memory.
    """

    follows: ClassVar[frozenset[str]] = frozenset({"optimizer.name=sgd", "optimizer.lr"})

    def __init__(self, setup: Setup) -> None:
        self._memory = expect(setup.net, Memory, "storing patterns")
        self.net, self.notices = setup.net, list[str]()
        self._flip, self._rate = cast(HopfieldSpec, setup.recipe.net).flip, setup.recipe.optimizer.lr
        self._scores: tuple[float, float] | None = None
        self.finished = False

    def start(self, examples: Examples) -> None:
        """Say what the sizes promise: too few examples, more patterns than the memory holds."""
        room, count = len(self._memory.patterns), len(examples)
        if count < room:
            self.notices.append(f"only {count:,} training examples: all of them are stored, {room:,} were wanted")
        capacity = self._memory.capacity_notice(min(room, count))
        if capacity is not None:
            self.notices.append(capacity)

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Store examples of a batch where there is room; see `LearningRule.step` and the sums above.

        Raises DataError: images that are all -1 or all +1.
        """
        (batch,) = parts
        added = 0 if self.finished else self._memory.store(batch.x)
        if added or self._scores is None:
            kept = self._memory.kept
            chosen = torch.linspace(0, len(kept) - 1, min(len(kept), _SCORED), device=kept.device).round().long()
            self._scores = self._score(kept[chosen])
        loss, wrong = self._scores
        return Update(loss, wrong * batch.size, float(added), self._rate, float(batch.size))

    def measure(self, batch: Batch) -> Sums:
        """Energy a neuron, and fraction of wrong units after the recall, of the examples of a batch."""
        with torch.inference_mode():
            loss, wrong = self._score(self._memory.units(batch.x))
        return Sums.of_examples(loss, wrong * batch.size, batch.size)

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
        """Mean energy a neuron, and fraction of wrong units after the recall."""
        energy = float(self._memory.energy(patterns).mean()) / patterns.shape[1]
        return energy, 1 - recall_scores(self._memory.recall, patterns, self._flip, _MEASUREMENT_SEED).right_after
