"""From what was recorded of each use of a layer to the entries of a trace."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from neurarium.learning.trace import flow
from neurarium.learning.trace.chain import expectations
from neurarium.learning.trace.jacobian import Spectrum
from neurarium.learning.trace.recording import Use
from neurarium.learning.trace.result import LayerTrace
from neurarium.learning.trace.units import length

Tensors = Mapping[nn.Parameter, Tensor]


def make_entries(
    uses: Sequence[Use], gradients: Tensors, changes: Tensors | None, spectra: Mapping[int, Spectrum | None]
) -> list[LayerTrace]:
    """Put everything about each use side by side.

    `spectra`: of the Jacobian, by the position of the use; those missing were not asked for.
    Returns: an entry for each use.
    """
    totals: dict[int, int] = {}
    for use in uses:
        totals[id(use.layer)] = totals.get(id(use.layer), 0) + 1
    signals = [_error_signal(use) for use in uses]
    weights = {layer: _weights(layer, gradients, changes) for layer in {use.layer for use in uses}}
    seen: dict[int, int] = {}
    entries = []
    errors = [signal and signal[1] for signal in signals]
    rates, laws = flow.factors(errors), expectations(uses, errors)
    for position, (use, signal, factor, law) in enumerate(zip(uses, signals, rates, laws, strict=True)):
        seen[id(use.layer)] = seen.get(id(use.layer), 0) + 1
        made, size = use.made, spectra.get(position)
        assert made is not None
        parameters, gradient_norm, weight_norm, update_ratio = weights[use.layer]
        entries.append(
            LayerTrace(
                name=use.name,
                kind=type(use.layer).__name__,
                use=seen[id(use.layer)],
                uses=totals[id(use.layer)],
                output_shape=use.output_shape,
                mean=made.mean,
                deviation=made.deviation,
                expected=law[0],
                smallest=made.smallest,
                largest=made.largest,
                zeros=made.zeros,
                error_norm=None if signal is None else signal[0],
                error_rms=None if signal is None else signal[1],
                error_expected=law[1],
                factor=factor,
                parameters=parameters,
                gradient_norm=gradient_norm,
                weight_norm=weight_norm,
                update_ratio=update_ratio,
                jacobian_norm=None if size is None else size.norm,
                singular_values=() if size is None else size.values,
                jacobian_exact=size is not None and size.exact,
                saturated=use.saturated,
                dead=use.dead,
            )
        )
    return entries


def _error_signal(use: Use) -> tuple[float, float] | None:
    """Length and root mean square of delta over the outputs that it came back to."""
    if not use.errors:
        return None
    norm = math.hypot(*(error for error, _ in use.errors))
    return norm, norm / math.sqrt(sum(count for _, count in use.errors))


def _weights(
    layer: nn.Module, gradients: Tensors, changes: Tensors | None
) -> tuple[int, float | None, float | None, float | None]:
    """Number of parameters, length of their gradient, their own, and that of their change over it."""
    parameters = list(layer.parameters())
    if not parameters:
        return 0, None, None, None
    count, weight = sum(p.numel() for p in parameters), math.hypot(*(length(p) for p in parameters))
    reached = [gradients[p] for p in parameters if p in gradients]
    gradient = math.hypot(*(length(g) for g in reached)) if reached else None
    if changes is None or gradient is None:
        return count, gradient, weight, None
    moved = math.hypot(*(length(changes[p]) for p in parameters if p in changes))
    return count, gradient, weight, moved / weight if weight else (math.inf if moved else 0.0)
