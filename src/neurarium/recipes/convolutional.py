"""Complete runs of convolutional nets."""

from neurarium.learning.augmentation import Augmentation
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.convolutional.neocognitron_spec import NeocognitronSpec
from neurarium.nets.convolutional.specs import LeNet5Spec, LeNet1998Spec
from neurarium.training.recipe import Recipe


def lenet5() -> Recipe:
    """LeNet-5 on 5,000 real digits, in seconds."""
    return Recipe(
        name="lenet5",
        net=LeNet5Spec(),
        optimizer=Optimizer("adamw", lr=3e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(shift=2),
        epochs=25,
        batch_size=32,
    )


def neocognitron() -> Recipe:
    """Neocognitron with fixed oriented filters under a linear classifier, 5,000 real digits."""
    return Recipe(name="neocognitron", net=NeocognitronSpec(), epochs=10)


def lenet5_fashion() -> Recipe:
    """LeNet-5 on the 70,000 images of Fashion-MNIST."""
    return Recipe(
        name="lenet5-fashion",
        net=LeNet5Spec(),
        data="fashion-mnist",
        optimizer=Optimizer("adamw", lr=3e-3, weight_decay=0.05),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(flip=True),
        epochs=20,
    )


def lenet5_1998() -> Recipe:
    """LeNet-5 as printed in 1998 (connection table, subsampling, RBF outputs) on 5,000 real digits."""
    return Recipe(
        name="lenet5-1998",
        net=LeNet1998Spec(),
        optimizer=Optimizer("adam", lr=1e-3),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(shift=2),
        epochs=30,
        batch_size=64,
    )
