"""What a recall gives back, and the loop that lets a memory settle unit by unit."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurarium.checks import ConfigError

# (states before in columns, order of the units) -> states after; energy after each update where it was asked for
Sweep = Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]]


@dataclass(frozen=True, eq=False)
class RecallTrace:
    """How states and energies moved."""

    # before the first update and after each one, in float64. An update concerns one unit (asynchronous recall) or
    # all of them (synchronous recall and continuous memories).
    energies: Float[Tensor, "moments probes"]
    kept: Float[Tensor, "sweeps_and_one probes neurons"]  # states before the first sweep and after each
    # in which the units of a sweep were updated; None where all were updated at once
    orders: Int[Tensor, "sweeps neurons"] | None

    def __repr__(self) -> str:
        moments, probes = self.energies.shape
        return f"RecallTrace({probes} probes, {moments} moments)"

    def states(self, update: int) -> Float[Tensor, "probes neurons"]:
        """Return the states after so many updates, 0 for the probes themselves."""
        if self.orders is None:
            return self.kept[update]
        sweep, done = divmod(update, self.kept.shape[2])
        states = self.kept[sweep].clone()
        if done:
            units = self.orders[sweep, :done]
            states[:, units] = self.kept[sweep + 1][:, units]
        return states


@dataclass(frozen=True, eq=False)
class Retrieval:
    """Where probes ended."""

    states: Float[Tensor, "probes neurons"]  # last states
    fixed: Bool[Tensor, "probes"]  # whether no further update would change the state
    cycle: Bool[Tensor, "probes"]  # whether the state jumps between two states for ever (synchronous recall alone)
    sweeps: Int[Tensor, "probes"]  # in how many sweeps over all units something changed
    flips: Int[Tensor, "probes"]  # how many updates changed a unit; 0 for continuous memories, which have no flips
    trace: RecallTrace | None = None  # on request

    def __repr__(self) -> str:
        return (
            f"Retrieval({len(self.states)} probes: {int(self.fixed.sum())} fixed, {int(self.cycle.sum())} in a cycle)"
        )

    def as_type(self, dtype: torch.dtype) -> "Retrieval":
        """Return the same with states of another type."""
        trace = self.trace and replace(self.trace, kept=self.trace.kept.to(dtype))
        return replace(self, states=self.states.to(dtype), trace=trace)


def check_limit(most: int) -> None:
    """Refuse a limit below one sweep. Raises ConfigError: `most` below 1."""
    if most < 1:
        raise ConfigError("sweeps", expected="an integer >= 1", got=str(most))


def settle(
    probes: Float[Tensor, "probes neurons"],
    sweep: Sweep,
    *,
    order: str = "random",
    seed: int = 0,
    sweeps: int = 100,
    start: Float[Tensor, "probes"] | None = None,
) -> Retrieval:
    """Sweep over the units until no probe changes; a probe that did not change in a sweep is left out of the next.

    Args:
        order: "random": a new permutation in each sweep, the same for all probes; "fixed": 0 .. n-1.
        start: energies of the probes; given, the trace is kept.
    Raises ConfigError: an unknown order or no sweep at all.
    """
    if order not in ("random", "fixed"):
        raise ConfigError("order", expected="random or fixed", got=repr(order))
    check_limit(sweeps)
    states = probes.T.clone()
    neurons, count = states.shape
    active = torch.arange(count, device=states.device)
    taken, flips = torch.zeros_like(active), torch.zeros_like(active)
    generator = torch.Generator().manual_seed(seed)
    energies, kept, orders = [] if start is None else [start.double()[None]], [states.T.clone()], []
    for number in range(1, sweeps + 1):
        units = torch.randperm(neurons, generator=generator) if order == "random" else torch.arange(neurons)
        units = units.to(states.device)
        before = states if len(active) == count else states.index_select(1, active)
        after, course = sweep(before, units)
        # a unit that turns moves by 2; sums of floats are several times as fast as those of truth values
        turned = (after - before).abs_().sum(0).div_(2).long()
        states = after if len(active) == count else states.index_copy_(1, active, after)
        flips[active] += turned
        if start is not None:
            assert course is not None
            # a probe at rest keeps its energy
            whole = energies[-1][-1].repeat(neurons, 1)
            whole[:, active] = course.double()
            energies.append(whole)
            kept.append(states.T.clone())
            orders.append(units)
        active = active[turned > 0]
        taken[active] = number
        if not len(active):
            break
    fixed = torch.ones(count, dtype=torch.bool, device=states.device)
    fixed[active] = False
    trace = None if start is None else RecallTrace(torch.cat(energies), torch.stack(kept), torch.stack(orders))
    return Retrieval(states.T.contiguous(), fixed, torch.zeros_like(fixed), taken, flips, trace)
