"""Complete runs of fully connected nets."""

from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.residual_spec import ResidualMLPSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.training.recipe import Recipe


def mlp() -> Recipe:
    """784-256-256-10 on 5,000 real digits."""
    return Recipe(
        name="mlp",
        net=MLPSpec(hidden=(256, 256), dropout=0.2),
        optimizer=Optimizer("adamw", lr=2e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(shift=1),
        epochs=40,
    )


def mlp_fashion() -> Recipe:
    """784-256-256-10 on the 70,000 images of Fashion-MNIST."""
    return Recipe(
        name="mlp-fashion",
        net=MLPSpec(hidden=(256, 256), dropout=0.2),
        data="fashion-mnist",
        optimizer=Optimizer("adamw", lr=2e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(flip=True),
        epochs=20,
    )


def residual_mlp() -> Recipe:
    """100 residual layers of 64 units on 5,000 real digits: a depth at which a plain net hardly learns."""
    return Recipe(
        name="residual-mlp",
        net=ResidualMLPSpec(width=64, depth=100),
        optimizer=Optimizer("adamw", lr=1e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(shift=1),
        epochs=20,
    )


def mlp_diabetes() -> Recipe:
    """10-32-1 on 442 patients: how their disease progresses in a year, a number to be predicted."""
    return Recipe(
        name="mlp-diabetes",
        net=MLPSpec(hidden=(32,), dropout=0.2),
        data="diabetes",
        loss=Loss("squared-error"),
        optimizer=Optimizer("adamw", lr=2e-3, weight_decay=1.0),
        schedule=Schedule("cosine", warmup=0.05),
        epochs=60,
        batch_size=32,
    )
