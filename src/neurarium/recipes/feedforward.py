"""Complete runs of fully connected nets."""

from neurarium.learning.augmentation import Augmentation
from neurarium.learning.optimisers import Optimiser
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.training.recipe import Recipe


def mlp() -> Recipe:
    """784-256-256-10 on 5,000 real digits."""
    return Recipe(
        name="mlp",
        net=MLPSpec(hidden=(256, 256), dropout=0.2),
        optimiser=Optimiser("adamw", lr=2e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(shift=1),
        epochs=40,
    )


def mlp_fashion() -> Recipe:
    """784-256-256-10 on the 70,000 pictures of Fashion-MNIST."""
    return Recipe(
        name="mlp-fashion",
        net=MLPSpec(hidden=(256, 256), dropout=0.2),
        data="fashion-mnist",
        optimiser=Optimiser("adamw", lr=2e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(flip=True),
        epochs=20,
    )
