"""A net with a narrow layer, and a linear classifier on what that layer makes."""

from neurarium.learning.augmentation import Augmentation
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.linear_probe_spec import LinearProbeSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.training.recipe import Recipe


def bottleneck_mlp() -> Recipe:
    """784-256-32-256-10 on 5,000 real digits: all that the net knows passes through 32 units."""
    return Recipe(
        name="bottleneck-mlp",
        net=MLPSpec(hidden=(256, 32, 256)),
        optimizer=Optimizer("adamw", lr=1e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(shift=1),
        epochs=40,
        batch_size=64,
    )


def bottleneck_features() -> Recipe:
    """Linear classifier on the 32 features of the narrow layer of bottleneck-mlp, which learns first."""
    return Recipe(
        name="bottleneck-features",
        net=LinearProbeSpec(layer="relu2"),
        pretrained="bottleneck-mlp",
        optimizer=Optimizer("adam", lr=1e-2),
        schedule=Schedule("cosine", warmup=0.05),
        epochs=20,
        batch_size=128,
    )
