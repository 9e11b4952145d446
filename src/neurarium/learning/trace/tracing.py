"""Trace a net: one batch forward, its error back, and what each layer does to both.

Source: notes 004, chapter 3.1 (delta^l = dL/dh^l and its recurrence), and 002, "Error back-propagation".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError, suggest
from neurarium.learning.trace import flow
from neurarium.learning.trace.entries import make_entries
from neurarium.learning.trace.jacobian import Spectrum
from neurarium.learning.trace.layer_jacobian import layer_spectrum
from neurarium.learning.trace.loss import Loss, loss_of
from neurarium.learning.trace.recording import Recorder, Use
from neurarium.learning.trace.result import Trace
from neurarium.learning.trace.structure import tensors_in
from neurarium.learning.trace.undisturbed import undisturbed
from neurarium.learning.trace.updates import gradient_descent_changes, optimizer_changes


@runtime_checkable
class Pair(Protocol):
    """Inputs with their targets, as a `data.batch.Batch` has them."""

    @property
    def inputs(self) -> Any:
        """What the net sees."""

    @property
    def targets(self) -> Any:
        """What it should say; a tuple of one target stands for that one, an empty one for none."""


@dataclass(frozen=True)
class Precision:
    """How closely Jacobians are looked at, against how long it takes.

    Attributes:
        examples: examples whose Jacobians are measured; 0 leaves Jacobians out.
        values: singular values of each.
        iterations: see `jacobian.spectrum`.
        seed: of its random vectors.
    """

    examples: int = 4
    values: int = 3
    iterations: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name, given, least in (
            ("jacobian_examples", self.examples, 0),
            ("singular_values", self.values, 1),
            ("iterations", self.iterations, 1),
        ):
            if given < least:
                raise ConfigError(name, expected=f"an integer >= {least}", got=str(given))


def trace(
    model: nn.Module,
    inputs: Any,
    targets: Any = None,
    loss: Loss | None = None,
    *,
    layers: Sequence[str] | None = None,
    learning_rate: float | None = None,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] | None = None,
    forward: Callable[[nn.Module], Any] | None = None,
    jacobian_examples: int = 4,
    singular_values: int = 3,
    iterations: int = 2,
    seed: int = 0,
    batch_axis: int = 0,
    vanishing_below: float = flow.VANISHING_BELOW,
    exploding_above: float = flow.EXPLODING_ABOVE,
) -> Trace:
    """Look into one forward and one backward pass of a net.

    A layer is a module inside whose `forward` no other module runs; one used several times has an entry for each
    use. What a `forward` does between modules belongs to no layer. The net runs in the mode in which it is, and is left
    as it was: parameters, `.grad`, buffers, modes, hooks, random generators, also after an error.

    Args:
        inputs: what it takes: a tensor, a tuple of arguments, a dictionary of named ones; or a pair of inputs and
            targets such as a `Batch`.
        loss: a `Criterion`, or a function of (outputs, targets), to a scalar. By default cross-entropy for class
            numbers, half the mean squared error for floating-point targets, and without targets a sum of the outputs
            with random weights.
        layers: names of layers to report, whole or their last part, or of modules that hold them; none: all.
        learning_rate: eta of a step of plain gradient descent, for the update-to-weight ratio.
        optimizer: takes the step instead, or several do, each over parameters of its own; copies of them do, so that
            their state stays.
        forward: how the net is called, where that is more than `model(inputs)`: from the net to its outputs.
        jacobian_examples: examples whose Jacobians are measured; 0 leaves Jacobians out.
        iterations: of the search for them; more come closer to the true ones.
        seed: of the random vectors that it begins with, and of the random weights above.
        batch_axis: axis of the examples in the inputs.
        vanishing_below: error signals below this fraction of the last layer's have vanished.
        exploding_above: error signals above this multiple of the last layer's have exploded.
    Raises ConfigError: a net without parameters, an unknown layer, an output that no gradient reaches, an optimizer of
    another net, a setting out of range; ShapeError: targets that do not match the outputs, a loss that is no scalar, an
    empty batch.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 3))
        >>> found = trace(net, torch.randn(16, 4), torch.randint(3, (16,)))
        >>> [(entry.name, entry.kind, entry.output_shape) for entry in found.layers]
        [('0', 'Linear', (8,)), ('1', 'Sigmoid', (8,)), ('2', 'Linear', (3,))]
        >>> found["1"].singular_values[0] <= 0.25
        True

    Source: notes 004, chapter 3.1; S. Hochreiter, 1991; X. Glorot, Y. Bengio, "Understanding the difficulty of training
    deep feedforward neural networks", 2010 (error signals and saturation by layer).
    Departs from the notes: see `flow` (errata E37, E45).
    """
    size = None
    if isinstance(inputs, Pair):
        size = getattr(inputs, "size", None)
        inputs, targets = inputs.inputs, _alone(inputs.targets)
    precision = Precision(jacobian_examples, singular_values, iterations, seed)
    _check_positive(learning_rate=learning_rate, vanishing_below=vanishing_below, exploding_above=exploding_above)
    if next(model.parameters(), None) is None:
        raise ConfigError("net", expected="at least one parameter", got="none")
    chosen = _chosen_names(model, layers)
    rows = _batch_size(inputs, batch_axis)
    with undisturbed(model), torch.enable_grad():
        counts = (rows, size) if isinstance(size, int) and size != rows else (rows,)
        recorder = Recorder(model, counts, batch_axis, max(precision.examples, 1), list(tensors_in(inputs)))
        with recorder.listening():
            outputs = _call(model, inputs) if forward is None else forward(model)
        for use in recorder.uses:  # outputs that are themselves a gradient have sent something back already
            use.errors.clear()
        asked = [position for position, use in enumerate(recorder.uses) if use.name in chosen]
        if not asked:
            raise ConfigError("layers", expected="layers that these inputs run through", got=str(layers or "none"))
        value = loss_of(loss, outputs, targets, seed)
        gradients = _gradients(model, value, recorder)
        changes, update = _changes(gradients, learning_rate, optimizer)
        spectra = _spectra(recorder.uses, asked, precision)
        entries = make_entries(recorder.uses, gradients, changes, spectra)
    signals = [entry.error_rms for entry in entries]
    return Trace(
        layers=tuple(entries[position] for position in asked),
        loss=float(value.detach()),
        examples=size if isinstance(size, int) else rows,
        training=model.training,
        update=update,
        factor=flow.mean_factor([entry.error_rms for entry in entries if entry.parameters]),
        last_error=flow.reference(signals),
        vanishing=tuple(entries[l].title for l in flow.vanished(signals, vanishing_below)),
        exploding=tuple(entries[l].title for l in flow.exploded(signals, exploding_above)),
        vanishing_below=vanishing_below,
        exploding_above=exploding_above,
    )


def _check_positive(**settings: float | None) -> None:
    for name, value in settings.items():
        if value is not None and not value > 0:
            raise ConfigError(name, expected="a number > 0", got=str(value))


def _chosen_names(model: nn.Module, wanted: Sequence[str] | None) -> set[str]:
    """Names of all modules, or of those meant by `wanted` and all inside them."""
    # what a parametrisation keeps inside a layer is no layer
    names = [name for name, _ in model.named_modules() if "parametrizations" not in name.split(".")]
    if wanted is None:
        return set(names)
    found: set[str] = set()
    for word in wanted:
        heads = [name for name in names if name == word or name.endswith(f".{word}")]
        if not heads:
            parts = {name.rpartition(".")[2]: name for name in reversed(names) if name}
            remedy = suggest(word, dict.fromkeys([*parts, *names]))
            few = ", ".join(name for name in names[1:9]) + (", ..." if len(names) > 9 else "")
            raise ConfigError("layers", expected=f"names of layers ({few})", got=repr(word), remedy=remedy)
        found |= {name for name in names for head in heads if name == head or name.startswith(f"{head}.")}
    return found


def _batch_size(inputs: Any, axis: int) -> int:
    first = next(tensors_in(inputs), None)
    if first is None or not 0 <= axis < first.dim() or not first.numel():
        got = "no tensor" if first is None else f"shape {tuple(first.shape)}"
        raise ShapeError("inputs", expected=f"a batch with its examples along axis {axis}", got=got)
    return first.shape[axis]


def _alone(targets: Any) -> Any:
    """The only target of a batch; none and several stay a tuple."""
    return targets[0] if type(targets) is tuple and len(targets) == 1 else targets


def _call(model: nn.Module, inputs: Any) -> Any:
    """Call the net: arguments from a tuple, named ones from a dictionary; a named tuple is one argument."""
    if type(inputs) in (tuple, list):
        return model(*inputs)
    return model(**inputs) if isinstance(inputs, dict) else model(inputs)


def _gradients(model: nn.Module, value: Tensor, recorder: Recorder) -> dict[nn.Parameter, Tensor]:
    """Send the error back; `.grad` stays as it is."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    found = torch.autograd.grad(value, [*parameters, *recorder.origins], allow_unused=True)
    return {p: g for p, g in zip(parameters, found, strict=False) if g is not None}


def _changes(
    gradients: dict[nn.Parameter, Tensor],
    rate: float | None,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] | None,
) -> tuple[dict[nn.Parameter, Tensor] | None, str]:
    """Changes of the parameters in the update asked for, and what to call it."""
    if optimizer is not None:
        several = [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else optimizer
        changes = {p: change for one in several for p, change in optimizer_changes(gradients, one).items()}
        return changes, f"one step of {' and '.join(type(one).__name__ for one in several)}"
    if rate is not None:
        return gradient_descent_changes(gradients, rate), f"gradient descent at rate {rate:g}"
    return None, ""


def _spectra(uses: Sequence[Use], asked: Sequence[int], precision: Precision) -> dict[int, Spectrum | None]:
    generator = torch.Generator().manual_seed(precision.seed)
    if precision.examples == 0:
        return {}
    return {l: layer_spectrum(uses[l], precision.values, precision.iterations, generator) for l in asked}
