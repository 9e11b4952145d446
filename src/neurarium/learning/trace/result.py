"""What a trace found: one entry for each use of a layer, and what they say together (no torch).

Where there is no such number (an activation has no parameters, an embedding no Jacobian) an entry holds None. Infinite
and undefined numbers are kept as they are: they are findings.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurarium.checks import RunError, choose


@dataclass(frozen=True)
class LayerTrace:
    """One use of one layer, with a batch on its way forward and the error signal on its way back.

    Attributes:
        name: qualified name in the net; empty where the net itself is the layer.
        use: which use of this layer, counted from 1.
        uses: how often the net uses it in all.
        output_shape: of the first tensor that it gives, for one example.
        mean, deviation, smallest, largest: of that tensor's numbers, over the whole batch.
        expected: their root mean square by the laws of variance, chained from layer to layer; see `chain`. None where
            there is no law.
        zeros: fraction of them that are exactly zero.
        error_norm: length of the error signal delta = dL/dy over all its tensors and the whole batch; None where no
            error comes back.
        error_rms: root mean square of delta, its length a unit.
        error_expected: the same by the laws of variance; None for the last layer too.
        factor: `error_rms` over that of the entry after it: what the error signal is multiplied by on its way back.
        gradient_norm: length of dL/dW over all parameters of the layer, summed over all its uses.
        update_ratio: length of the parameters' change in one update over `weight_norm`.
        jacobian_norm: Frobenius norm of dy/dx of one example, root mean square over the examples looked at.
        singular_values: the largest of dy/dx, means over the examples, falling.
        jacobian_exact: whether the two are exact; else `jacobian_norm` is an unbiased estimate (of the square), and
            the singular values come from a Krylov space and lie a little below the true ones.
        saturated: fraction of units in the flat part of a sigmoid, tanh or softmax; see `units.saturated_fraction`.
        dead: fraction of units of a rectifier that are zero for every example; see `units.dead_fraction`.
    """

    name: str
    kind: str
    use: int
    uses: int
    output_shape: tuple[int, ...]
    mean: float
    deviation: float
    expected: float | None
    smallest: float
    largest: float
    zeros: float
    error_norm: float | None
    error_rms: float | None
    error_expected: float | None
    factor: float | None
    parameters: int
    gradient_norm: float | None
    weight_norm: float | None
    update_ratio: float | None
    jacobian_norm: float | None
    singular_values: tuple[float, ...]
    jacobian_exact: bool
    saturated: float | None
    dead: float | None

    @property
    def rms(self) -> float:
        """Root mean square of the numbers in the output."""
        return math.hypot(self.mean, self.deviation)

    @property
    def title(self) -> str:
        """Name for people: which use it is stands behind it where there are several."""
        name = self.name or "(net)"
        return name if self.uses == 1 else f"{name}, use {self.use}"

    @property
    def finite(self) -> bool:
        """Whether no number of the entry is infinite or undefined."""
        numbers = [v for v in dataclasses.asdict(self).values() if isinstance(v, float)]
        return all(map(math.isfinite, [*numbers, *self.singular_values]))


@dataclass(frozen=True)
class Trace:
    """A net looked into with one batch.

    Attributes:
        training: whether the net was in training mode.
        update: the update behind the ratios, in words; empty where none was asked for.
        factor: geometric mean of the factor by which the error signal is multiplied from one layer with parameters to
            the one before; None with fewer than two of them, or where the error signal ends between.
        last_error: `error_rms` of the net's last layer, whether it is among the entries or not.
        vanishing: titles of the entries whose error signal is below `vanishing_below` times that of the last one.
        exploding: titles of those where it is above `exploding_above` times that of the last one.
        vanishing_below, exploding_above: the two limits.
    """

    layers: tuple[LayerTrace, ...]
    loss: float
    examples: int
    training: bool
    update: str
    factor: float | None
    last_error: float | None
    vanishing: tuple[str, ...]
    exploding: tuple[str, ...]
    vanishing_below: float
    exploding_above: float

    def __repr__(self) -> str:
        found = f"{len(self.vanishing)} vanishing, {len(self.exploding)} exploding"
        return f"Trace({len(self.layers)} layers, {self.examples:,} examples: loss {self.loss:.4g}, {found})"

    def __getitem__(self, name: str) -> LayerTrace:
        """The first use of the layer called `name`, or the entry with this title.

        Raises ConfigError: no such layer in the trace; names the closest.
        """
        first_uses = {entry.name: entry for entry in reversed(self.layers)}
        return choose(name, first_uses | {entry.title: entry for entry in self.layers}, subject="layer")

    @property
    def non_finite(self) -> tuple[str, ...]:
        """Titles of the entries that hold an infinite or undefined number."""
        return tuple(entry.title for entry in self.layers if not entry.finite)

    def to_plain(self) -> dict[str, Any]:
        """Return the trace as JSON can hold it; numbers that are not finite become the words "nan", "inf", "-inf"."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "Trace":
        """Read back what `to_plain` has written. Raises RunError: something else, or a part of it."""
        numbers = _numbers(LayerTrace)
        try:
            layers = tuple(
                LayerTrace(**_read(entry, numbers, ("output_shape", "singular_values"))) for entry in values["layers"]
            )
            rest = _read(values, _numbers(cls), ("vanishing", "exploding"))
            return cls(**{**rest, "layers": layers})
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                "trace.json", expected="a trace", got="a damaged file", remedy="remove it, and trace the run anew"
            ) from error


def _numbers(kind: type[LayerTrace] | type[Trace]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind) if "float" in str(field.type)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read(values: Mapping[str, Any], numbers: set[str], sequences: tuple[str, ...]) -> dict[str, Any]:
    read = dict(values)
    for name in numbers - set(sequences):
        read[name] = None if values[name] is None else float(values[name])
    for name in sequences:
        read[name] = tuple(map(float, values[name]) if name in numbers else values[name])
    return read
