"""A teacher and a small student, and the same student left to itself.

The student sees no shifted digits; its teacher LeNet-5 has, and what it learned from them passes over in its answers.

Source: the experiment on MNIST in G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015.
"""

from dataclasses import replace

from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.training.recipe import Recipe


def small_mlp() -> Recipe:
    """784-32-10 on 5,000 real digits: the student of distilled-mlp, learning from the labels alone."""
    return Recipe(
        name="small-mlp",
        net=MLPSpec(hidden=(32,)),
        optimizer=Optimizer("adamw", lr=2e-3, weight_decay=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        epochs=80,
        batch_size=64,
    )


def distilled_mlp() -> Recipe:
    """784-32-10 on 5,000 real digits, taught by LeNet-5 which learns them first."""
    return replace(
        small_mlp(),
        name="distilled-mlp",
        pretrained="lenet5",
        loss=Loss("distillation", temperature=4.0, alpha=0.9),
    )
