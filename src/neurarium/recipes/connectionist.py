"""Complete runs of the first nets: threshold units, associative memories, Boltzmann machines."""

from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.training.recipe import Recipe


def perceptron() -> Recipe:
    """Rosenblatt's rule on real fours and nines, until it makes no more mistakes."""
    return Recipe(
        name="perceptron",
        net=PerceptronSpec(),
        data="mnist-4-9",
        optimizer=Optimizer("sgd", lr=1.0),
        early_stopping=EarlyStopping(monitor="nothing"),
        epochs=200,
    )


def hopfield() -> Recipe:
    """Hopfield network that stores 50 real digits and recalls them from damaged ones."""
    return Recipe(
        name="hopfield",
        net=HopfieldSpec(),
        optimizer=Optimizer("sgd", lr=1.0),
        early_stopping=EarlyStopping(monitor="nothing"),
        epochs=1,
    )


def rbm() -> Recipe:
    """Restricted Boltzmann machine of 256 hidden units on 5,000 real digits, by persistent chains."""
    return Recipe(
        name="rbm",
        net=RBMSpec(hidden=256, persistent=True),
        optimizer=Optimizer("sgd", lr=0.05),
        schedule=Schedule("cosine"),
        early_stopping=EarlyStopping(monitor="nothing"),
        epochs=100,
        batch_size=50,
    )
