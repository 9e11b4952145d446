"""Complete runs of nets that are linear in their parameters, learned to the optimum."""

from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.feedforward.regression_specs import LinearSpec, LogisticSpec, RandomFeaturesSpec
from neurarium.training.recipe import Recipe


def least_squares() -> Recipe:
    """Least squares on the code of the class, 5,000 real digits, in closed form."""
    return Recipe(
        name="least-squares",
        net=LinearSpec(),
        loss=Loss("squared-error"),
        optimizer=Optimizer("closed-form"),
        epochs=2,
        batch_size=1000,
    )


def ridge() -> Recipe:
    """Ridge regression on the code of the class, 5,000 real digits, in closed form."""
    return Recipe(
        name="ridge",
        net=LinearSpec(),
        loss=Loss("squared-error"),
        optimizer=Optimizer("closed-form", l2=1e-2),
        epochs=2,
        batch_size=1000,
    )


def logistic() -> Recipe:
    """Logistic regression on 569 tumours, to the optimum."""
    return Recipe(
        name="logistic",
        net=LogisticSpec(),
        data="breast-cancer",
        optimizer=Optimizer("closed-form", l2=1e-2),
        epochs=30,
        batch_size=1000,
    )


def softmax() -> Recipe:
    """Softmax regression on 1,797 digits of 8 x 8 pixels, to the optimum."""
    return Recipe(
        name="softmax",
        net=LinearSpec(),
        data="digits",
        optimizer=Optimizer("closed-form", l2=1e-3),
        epochs=40,
        batch_size=1000,
    )


def random_features() -> Recipe:
    """Ridge regression on 4,000 random rectified features of 5,000 real digits, in closed form."""
    return Recipe(
        name="random-features",
        net=RandomFeaturesSpec(features=4000),
        loss=Loss("squared-error"),
        optimizer=Optimizer("closed-form", l2=1e-4),
        epochs=2,
        batch_size=1000,
    )


def ridge_diabetes() -> Recipe:
    """Ridge regression on 442 patients, a number to be predicted, in closed form."""
    return Recipe(
        name="ridge-diabetes",
        net=LinearSpec(),
        data="diabetes",
        loss=Loss("squared-error"),
        optimizer=Optimizer("closed-form", l2=1e-2),
        epochs=2,
        batch_size=1000,
    )
