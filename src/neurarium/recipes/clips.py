"""Complete runs on clips."""

from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.recurrent.clip_specs import ConvLSTMSpec, VideoNetSpec
from neurarium.training.recipe import Recipe


def moving_digits_conv3d() -> Recipe:
    """How often a digit has bounced, by kernels over time and place."""
    return Recipe(
        name="moving-digits-conv3d",
        net=VideoNetSpec(channels=(8, 16, 32)),
        data="moving-digits",
        optimizer=Optimizer("adam", lr=3e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=20,
        batch_size=32,
    )


def moving_digits_conv_lstm() -> Recipe:
    """How often a digit has bounced, by a convolutional LSTM that reads frame by frame."""
    return Recipe(
        name="moving-digits-conv-lstm",
        net=ConvLSTMSpec(hidden=(32,)),
        data="moving-digits",
        optimizer=Optimizer("adam", lr=3e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=20,
        batch_size=32,
        clip_norm=1.0,
    )


def moving_digits_next() -> Recipe:
    """The next four frames of a digit that moves, by a convolutional LSTM."""
    return Recipe(
        name="moving-digits-next",
        net=ConvLSTMSpec(hidden=(48,)),
        data="moving-digits-next",
        optimizer=Optimizer("adam", lr=3e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=25,
        batch_size=32,
        clip_norm=1.0,
    )
