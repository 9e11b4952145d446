"""Recurrent layers of torch, or their weights, as encoders of this package.

Weights go by torch's names: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_hr_l0 for a projection, each of
layer 0, and with _reverse behind for the direction that reads backwards.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError, choose
from neurarium.nets.recurrent.bidirectional import Bidirectional
from neurarium.nets.recurrent.cell import Cell
from neurarium.nets.recurrent.elman import Elman
from neurarium.nets.recurrent.encoder import stacked
from neurarium.nets.recurrent.gru import GRU
from neurarium.nets.recurrent.lstm import LSTM

_GATES = {"elman": 1, "elman-relu": 1, "lstm": 4, "gru": 3}
_KINDS: dict[tuple[str, str], str] = {
    ("LSTM", ""): "lstm",
    ("GRU", ""): "gru",
    ("RNN", "tanh"): "elman",
    ("RNN", "relu"): "elman-relu",
}


def from_torch(module: nn.Module) -> nn.Module:
    """A torch.nn.RNN, LSTM or GRU as an encoder with the same weights: any layers, directions and projections.

    Its layout is (batch, time, features), whatever `batch_first` says. Raises ConfigError: another module.

    Example:
        >>> encoder = from_torch(nn.GRU(3, 5, num_layers=2, bidirectional=True))
        >>> encoder(torch.zeros(2, 7, 3)).shape
        torch.Size([2, 7, 10])
    """
    kind = _KINDS.get((type(module).__name__, getattr(module, "nonlinearity", "")))
    if kind is None:
        raise ConfigError("module", expected="torch.nn.RNN, LSTM or GRU", got=type(module).__name__)
    return from_state_dict(module.state_dict(), kind, dropout=float(module.dropout))  # type: ignore[arg-type]


def from_state_dict(state: Mapping[str, Tensor], kind: str, *, prefix: str = "", dropout: float = 0.0) -> nn.Module:
    """An encoder with the weights of a torch module, found under names that begin with `prefix`.

    Args:
        kind: elman, elman-relu (torch.nn.RNN with its nonlinearity), lstm or gru.

    Raises:
        ConfigError: an unknown kind.
        ShapeError: no weights by these names, or such of another kind.

    Example:
        >>> weights = {f"lstm.{name}": tensor for name, tensor in nn.LSTM(3, 5).state_dict().items()}
        >>> from_state_dict(weights, "lstm", prefix="lstm.").features
        5
    """
    gates = choose(kind, _GATES, subject="kind")
    found = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    layers: list[nn.Module] = []
    while f"weight_ih_l{len(layers)}" in found:
        end = f"_l{len(layers)}"
        one = _cell(found, kind, gates, end)
        both = f"weight_ih{end}_reverse" in found
        layers.append(Bidirectional(one, _cell(found, kind, gates, f"{end}_reverse")) if both else one)
    if not layers:
        got = ", ".join(list(state)[:3]) or "no weights"
        raise ShapeError("weights", expected=f"weights named {prefix}weight_ih_l0 and so on", got=got)
    return stacked(layers, dropout)


def _cell(found: Mapping[str, Tensor], kind: str, gates: int, end: str) -> Cell:
    weight, projection = found[f"weight_ih{end}"], found.get(f"weight_hr{end}")
    hidden, inputs = weight.shape[0] // gates, weight.shape[1]
    cells: dict[str, Callable[[], Cell]] = {
        "elman": lambda: Elman(inputs, hidden),
        "elman-relu": lambda: Elman(inputs, hidden, "relu"),
        "lstm": lambda: LSTM(inputs, hidden, 0 if projection is None else projection.shape[0]),
        "gru": lambda: GRU(inputs, hidden),
    }
    cell = cells[kind]().to(weight)
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            # a torch module may have been made without biases
            given = found.get(name + end, torch.zeros_like(parameter))
            if given.shape != parameter.shape:
                expected = f"shape {tuple(parameter.shape)} for a layer of the kind {kind}"
                raise ShapeError(name + end, expected=expected, got=f"shape {tuple(given.shape)}")
            parameter.copy_(given)
    return cell
