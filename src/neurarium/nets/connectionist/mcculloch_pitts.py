"""McCulloch-Pitts neurons: threshold units on {0, 1}^n, gates made of them, and nets of units.

Two forms of inhibition are told apart:

    absolute   y = 1 if sum_{i excitatory} x_i >= theta and no inhibitory x_i = 1, else 0      (the paper of 1943)
    weighted   y = 1{sigma . x >= theta}                                                        (the notes)

In the paper one active inhibitory synapse silences the unit, whatever excites it; in the notes it takes away 1. The
weighted form also takes other synapses than -1 and +1; then it is any linear threshold function. The absolute form
reads of an inhibitory synapse nothing but its sign.

The units do not learn: synapses and thresholds are set by hand or found by search.

Source: W. McCulloch, W. Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943.
Departs from the notes: 001 gives 1943 for the perceptron algorithm, which is Rosenblatt's of 1957/58 (errata E6). 001
fires above its threshold, 003 and 004 at it (E25): at it, here. With synapses -1 and +1 alone a unit has 10 of the 16
Boolean functions of two inputs, and with any synapses 14 (E64).
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, ShapeError, choose

Table = tuple[int, ...]

# synapse of each input and threshold, for n inputs: right with both forms of inhibition
GATES: dict[str, Callable[[int], tuple[float, float]]] = {
    "and": lambda n: (1.0, float(n)),
    "or": lambda n: (1.0, 1.0),
    "nor": lambda n: (-1.0, 0.0),
}
_LARGEST_SEARCH = 2**24  # units times rows of their truth tables


def threshold_units(
    x: Shaped[Tensor, "..."],
    synapses: Float[Tensor, "units inputs"],
    thresholds: Float[Tensor, "units"],
    inhibition: str = "weighted",
) -> Float[Tensor, "*batch units"]:
    """Outputs of units that see the same inputs.

        weighted   1{sum_i sigma_i x_i >= theta}
        absolute   1{sum_i max(sigma_i, 0) x_i >= theta} prod_{sigma_i < 0} (1 - x_i)

    Args:
        x: (*batch, inputs) of zeros and ones.
        synapses: above 0 excitatory, below 0 inhibitory, 0 none.
    Raises DataError: other inputs than 0 and 1; ShapeError: another count of inputs than the units have synapses.

    Example:
        >>> x = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
        >>> two_against_one = torch.tensor([[1.0, 1.0, -1.0]])
        >>> threshold_units(x, two_against_one, torch.tensor([1.0]), "weighted").flatten()
        tensor([1., 1.])
        >>> threshold_units(x, two_against_one, torch.tensor([1.0]), "absolute").flatten()
        tensor([0., 1.])
    """
    if x.shape[-1:] != synapses.shape[1:]:
        raise ShapeError(
            "input of the threshold units",
            expected=f"{synapses.shape[1]} numbers in the last dimension",
            got=f"a tensor of shape {tuple(x.shape)}",
        )
    if not bool(((x == 0) | (x == 1)).all()):
        values = ", ".join(f"{v:g}" for v in x.unique()[:4].tolist())
        raise DataError("input of the threshold units", expected="only 0 and 1", got=f"the values {values}, ...")
    x = x.to(synapses.dtype)
    if inhibition == "weighted":
        return (x @ synapses.T >= thresholds).to(synapses.dtype)
    silenced = x @ (synapses < 0).to(synapses.dtype).T > 0
    return ((x @ synapses.clamp(min=0).T >= thresholds) & ~silenced).to(synapses.dtype)


class ThresholdLayer(nn.Module):
    """Units that see the same inputs, by `threshold_units`; nets are layers in sequence."""

    synapses: Tensor
    thresholds: Tensor

    def __init__(
        self, synapses: Sequence[Sequence[float]], thresholds: Sequence[float], inhibition: str = "weighted"
    ) -> None:
        super().__init__()
        choose(inhibition, {"weighted": 0, "absolute": 0}, "inhibition")
        if len(thresholds) != len(synapses) or len({len(row) for row in synapses}) != 1:
            raise ConfigError(
                "thresholds",
                expected="one for each unit, and as many synapses on each",
                got=f"{len(thresholds)} for rows of {', '.join(str(len(row)) for row in synapses)} synapses",
            )
        self.inhibition: str = inhibition
        self.register_buffer("synapses", torch.tensor(synapses, dtype=torch.get_default_dtype()))
        self.register_buffer("thresholds", torch.tensor(thresholds, dtype=torch.get_default_dtype()))

    def forward(self, x: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch units"]:
        """Outputs, 0 or 1, of all units; see `threshold_units`."""
        return threshold_units(x, self.synapses, self.thresholds, self.inhibition)


def gate(name: str, inputs: int, inhibition: str = "weighted") -> ThresholdLayer:
    """One unit that is "and", "or", "nor" or "not" (NOR of one input), the same with both forms of inhibition.

    Raises ConfigError: an unknown gate, no input, or NOT of several.
    """
    kind = choose(name, {**GATES, "not": GATES["nor"]}, "gate")
    if inputs < 1 or (name == "not" and inputs != 1):
        raise ConfigError("inputs", expected="1 for not, else an integer >= 1", got=str(inputs))
    synapse, threshold = kind(inputs)
    return ThresholdLayer([[synapse] * inputs], [threshold], inhibition)


def xor_net(inhibition: str = "weighted") -> nn.Sequential:
    """Exclusive or from two layers, which no single unit is: (x_1 and not x_2) or (x_2 and not x_1)."""
    either = ThresholdLayer([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0], inhibition)
    return nn.Sequential(either, gate("or", 2, inhibition))


def boolean_inputs(count: int) -> Float[Tensor, "rows count"]:
    """All rows of a truth table, the last input changing fastest."""
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=count)))


def truth_table(net: nn.Module, inputs: int) -> Table:
    """First output of a net for all its inputs, in the order of `boolean_inputs`."""
    return tuple(int(y) for y in net(boolean_inputs(inputs))[..., 0].tolist())


def functions_of_one_unit(
    inputs: int, synapses: Sequence[float] = (-1.0, 1.0), inhibition: str = "weighted"
) -> dict[Table, tuple[tuple[float, ...], float]]:
    """Search all units with given synapses, and all thresholds, for the Boolean functions that they are.

    A threshold matters only by which sums reach it: the sums themselves and one above them all are every case. To each
    truth table belong the synapses and the threshold of the first unit that has it.

    Raises ConfigError: no input, no value for a synapse, or more units than can be searched.

    Example:
        >>> len(functions_of_one_unit(2)), len(functions_of_one_unit(2, (-1.0, 0.0, 1.0)))
        (10, 14)
    """
    count = len(synapses) ** inputs if inputs > 0 else 0
    if count == 0 or count << inputs > _LARGEST_SEARCH:
        raise ConfigError(
            "search",
            expected=f"1 to {_LARGEST_SEARCH} rows of truth tables",
            got=f"{inputs} inputs with {len(synapses)} values for each synapse",
            remedy="take fewer inputs or values",
        )
    choose(inhibition, {"weighted": 0, "absolute": 0}, "inhibition")
    rows, units = boolean_inputs(inputs).double(), list(itertools.product(synapses, repeat=inputs))
    found: dict[Table, tuple[tuple[float, ...], float]] = {}
    for unit in units:
        sigma = torch.tensor([unit], dtype=torch.float64)
        sums = (rows @ (sigma if inhibition == "weighted" else sigma.clamp(min=0)).T).flatten()
        thresholds = torch.cat([sums.unique(), sums.amax()[None] + 1])
        outputs = threshold_units(rows, sigma.expand(len(thresholds), -1), thresholds, inhibition)
        for table, theta in zip(outputs.T.int().tolist(), thresholds.tolist(), strict=True):
            found.setdefault(tuple(table), (unit, theta))
    return found
