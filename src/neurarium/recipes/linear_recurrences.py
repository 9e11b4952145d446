"""Complete runs of nets of linear recurrences."""

import math

from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.recurrent.linear_specs import LinearRecurrenceSpec, LRUSpec, MinGRUSpec, MinLSTMSpec
from neurarium.training.recipe import Recipe


def vowels_min_gru() -> Recipe:
    """Nine speakers told apart by how they say two vowels, by minGRU."""
    return _vowels("vowels-min-gru", MinGRUSpec(pooling="mean", dropout=0.3))


def vowels_min_lstm() -> Recipe:
    """Nine speakers told apart by how they say two vowels, by minLSTM."""
    return _vowels("vowels-min-lstm", MinLSTMSpec(pooling="mean", dropout=0.3))


def vowels_lru() -> Recipe:
    """Nine speakers told apart by how they say two vowels, by the LRU."""
    return _vowels("vowels-lru", LRUSpec(pooling="mean", dropout=0.3))


def fashion_rows_lru() -> Recipe:
    """Clothes told apart from their images' rows, 28 steps, by the LRU."""
    return _fashion("fashion-rows-lru", "fashion-rows", LRUSpec(pooling="mean", dropout=0.1), epochs=6)


def fashion_pixels_lru() -> Recipe:
    """Clothes told apart pixel by pixel, 784 steps, by the LRU."""
    ring = LRUSpec(pooling="mean", smallest=0.9, largest=0.999, largest_phase=math.pi / 2)
    return _fashion("fashion-pixels-lru", "fashion-pixels", ring, epochs=5)


def fashion_pixels_min_gru() -> Recipe:
    """Clothes told apart pixel by pixel, 784 steps, by minGRU."""
    return _fashion("fashion-pixels-min-gru", "fashion-pixels", MinGRUSpec(pooling="mean", longest=200), epochs=5)


def _vowels(name: str, net: LinearRecurrenceSpec) -> Recipe:
    """As `vowels`, but for the net."""
    return Recipe(
        name=name,
        net=net,
        data="japanese-vowels",
        optimizer=Optimizer("adamw", lr=3e-3, weight_decay=0.05),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=40,
        batch_size=32,
        clip_norm=1.0,
    )


def _fashion(name: str, data: str, net: LinearRecurrenceSpec, epochs: int) -> Recipe:
    return Recipe(
        name=name,
        net=net,
        data=data,
        optimizer=Optimizer("adamw", lr=3e-3, weight_decay=0.05),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=epochs,
        batch_size=64,
        clip_norm=1.0,
    )
