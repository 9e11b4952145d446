"""Complete runs of recurrent nets on generated series, forecasts and text."""

from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.recurrent.forecast_spec import ForecastSpec
from neurarium.nets.recurrent.recurrent_spec import RecurrentSpec
from neurarium.nets.recurrent.sequence_spec import SequenceSpec
from neurarium.training.recipe import Recipe


def adding_lstm() -> Recipe:
    """The sum of two marked numbers of a series, by an LSTM; longer by --data adding-200."""
    return _run("adding-lstm", "adding-50", RecurrentSpec(cell="lstm", hidden=64), epochs=15, batch_size=64)


def copying_gru() -> Recipe:
    """Five letters copied after a blank, by a GRU; a longer one by --data copying-100."""
    return _run("copying-gru", "copying-10", RecurrentSpec(cell="gru", hidden=96), epochs=15, batch_size=64)


def co2_lstm() -> Recipe:
    """Carbon dioxide at Mauna Loa in the next twelve months, by an LSTM."""
    return _run("co2-lstm", "co2", ForecastSpec(cell="lstm", hidden=32), epochs=100, batch_size=32)


def sunspots_gru() -> Recipe:
    """Sunspots of the next year from the last 22, by a GRU."""
    return _run("sunspots-gru", "sunspots", ForecastSpec(cell="gru", hidden=16), epochs=100, batch_size=32)


def genesis_lstm() -> Recipe:
    """The next character of the book of Genesis, from all that came before it in a window, by an LSTM."""
    return Recipe(
        name="genesis-lstm",
        net=RecurrentSpec(cell="lstm", hidden=256, dropout=0.2),
        task="language-model",
        data="genesis",
        optimizer=Optimizer("adamw", lr=3e-3, weight_decay=0.05),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=12,
        batch_size=16,
        clip_norm=1.0,
    )


def tagger() -> Recipe:
    """How deep in brackets each sign of a row stands, a label at every step, by a GRU."""
    return _run("tagger", "nested-brackets", RecurrentSpec(cell="gru", hidden=32), epochs=8, batch_size=32)


def _run(name: str, data: str, net: SequenceSpec, epochs: int, batch_size: int) -> Recipe:
    return Recipe(
        name=name,
        net=net,
        data=data,
        optimizer=Optimizer("adam", lr=3e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=epochs,
        batch_size=batch_size,
        clip_norm=1.0,
    )
