"""Every recurrent cell by name, as a recipe names it."""

from collections.abc import Callable

from neurarium.nets.recurrent.cell import Cell
from neurarium.nets.recurrent.deep_transition import DeepTransition
from neurarium.nets.recurrent.elman import Elman
from neurarium.nets.recurrent.gru import GRU
from neurarium.nets.recurrent.higher_order import SecondOrder, SeveralStates
from neurarium.nets.recurrent.layer_norm_cells import LayerNormElman, LayerNormGRU, LayerNormLSTM
from neurarium.nets.recurrent.lstm import LSTM
from neurarium.nets.recurrent.printed_lstm import ForgettingLSTM, MixedOutputLSTM

CELLS: dict[str, Callable[..., Cell]] = {
    "elman": Elman,
    "lstm": LSTM,
    "gru": GRU,
    "lstm-printed-000": ForgettingLSTM,
    "lstm-printed-004": MixedOutputLSTM,
    "layer-norm-elman": LayerNormElman,
    "layer-norm-lstm": LayerNormLSTM,
    "layer-norm-gru": LayerNormGRU,
    "second-order": SecondOrder,
    "several-states": SeveralStates,
    "deep-transition": DeepTransition,
}
"""Each is made from the numbers of a step and of its state, and learns its first state with `learn_start`."""
