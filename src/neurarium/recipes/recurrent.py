"""Complete runs on series and on tokens."""

import dataclasses

from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.recurrent.delay_specs import FSMNSpec, TDNNSpec
from neurarium.nets.recurrent.encoder_decoder_spec import EncoderDecoderSpec
from neurarium.nets.recurrent.recurrent_spec import RecurrentSpec
from neurarium.nets.recurrent.specs import (
    BagOfTokensSpec,
    NeuralLanguageModelSpec,
    PooledSeriesSpec,
)
from neurarium.training.recipe import Recipe


def vowels() -> Recipe:
    """Nine speakers told apart by how they say two vowels, from series of 7 to 29 steps."""
    return Recipe(
        name="vowels",
        net=PooledSeriesSpec(hidden=64, dropout=0.3),
        data="japanese-vowels",
        optimizer=Optimizer("adamw", lr=3e-3, weight_decay=0.05),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=60,
        batch_size=32,
    )


def vowels_tdnn() -> Recipe:
    """The nine speakers, by a time-delay neural network, the evidence of all steps summed."""
    return dataclasses.replace(vowels(), name="vowels-tdnn", net=TDNNSpec(pooling="mean", dropout=0.3), epochs=40)


def vowels_fsmn() -> Recipe:
    """The nine speakers, by a feedforward sequential memory network: each layer with a filter over time."""
    return dataclasses.replace(vowels(), name="vowels-fsmn", net=FSMNSpec(pooling="mean", dropout=0.3), epochs=40)


def vowels_dfsmn() -> Recipe:
    """The nine speakers, by a deep FSMN: narrow memories joined by skip connections."""
    return dataclasses.replace(
        vowels_fsmn(), name="vowels-dfsmn", net=FSMNSpec(memory="deep", layers=4, pooling="mean", dropout=0.3)
    )


def digit_count() -> Recipe:
    """How many digits a number in words has, from its words alone, whatever their order."""
    return Recipe(
        name="digit-count",
        net=BagOfTokensSpec(embedding_dim=32, hidden=64),
        data="number-words",
        optimizer=Optimizer("adam", lr=3e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=20,
        batch_size=64,
    )


def spelled_numbers() -> Recipe:
    """From "one thousand and forty two" to 1042, by an encoder and a decoder."""
    return Recipe(
        name="spelled-numbers",
        net=EncoderDecoderSpec(embedding_dim=32, hidden=96),
        data="spelled-numbers",
        optimizer=Optimizer("adam", lr=3e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=8,
        batch_size=64,
        clip_norm=1.0,
    )


def genesis_lm() -> Recipe:
    """The next character of the book of Genesis, from the last eight."""
    return Recipe(
        name="genesis-lm",
        net=NeuralLanguageModelSpec(context=8, embedding_dim=32, hidden=384),
        data="genesis",
        optimizer=Optimizer("adamw", lr=3e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=12,
        batch_size=16,
    )


def vowels_elman() -> Recipe:
    """Nine speakers told apart by Elman's recurrent net."""
    return _vowels("vowels-elman", RecurrentSpec(cell="elman", hidden=64, pooling="mean", dropout=0.3))


def vowels_lstm() -> Recipe:
    """Nine speakers told apart by a long short-term memory; any other cell by --net.cell."""
    return _vowels("vowels-lstm", RecurrentSpec(cell="lstm", hidden=64, pooling="mean", dropout=0.3))


def vowels_gru() -> Recipe:
    """Nine speakers told apart by two layers of gated recurrent units in both directions."""
    spec = RecurrentSpec(cell="gru", hidden=64, layers=2, bidirectional=True, pooling="mean", dropout=0.3)
    return _vowels("vowels-gru", spec)


def pronounce() -> Recipe:
    """How an English word is spoken, from its letters: encoder, decoder, attention between them."""
    return Recipe(
        name="pronounce",
        net=EncoderDecoderSpec(embedding_dim=64, hidden=128, bidirectional=True, attention="additive", dropout=0.2),
        data="pronunciations",
        optimizer=Optimizer("adam", lr=2e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=12,
        batch_size=64,
        clip_norm=1.0,
    )


def pronounce_plain() -> Recipe:
    """The same without attention: one vector is all that the decoder knows of the word."""
    spec = EncoderDecoderSpec(embedding_dim=64, hidden=128, bidirectional=True, dropout=0.2)
    return dataclasses.replace(pronounce(), name="pronounce-plain", net=spec)


def spoken_words() -> Recipe:
    """What a voice says, letter by letter, from its loudness in bands of pitch; nobody says when."""
    return Recipe(
        name="spoken-words",
        net=RecurrentSpec(cell="lstm", hidden=128, layers=2, bidirectional=True, dropout=0.4),
        data="spoken-prompts",
        task="transcription",
        optimizer=Optimizer("adamw", lr=4e-3, weight_decay=0.05),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="error"),
        epochs=40,
        batch_size=16,
        clip_norm=1.0,
    )


def _vowels(name: str, spec: RecurrentSpec) -> Recipe:
    return dataclasses.replace(vowels(), name=name, net=spec, clip_norm=1.0)
