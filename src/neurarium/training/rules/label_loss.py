"""Which loss of labels a task makes small, for rules that have formulas of their own for some."""

from neurarium.checks import ConfigError
from neurarium.tasks.classification import Classification
from neurarium.tasks.regression import Regression
from neurarium.training.rules.rule import Setup


def label_loss(setup: Setup, whom: str) -> str:
    """The name of the loss of outputs and labels, "auto" resolved.

    `setup`: its task makes that loss small and nothing else.
    Raises ConfigError: another task, or one with a teacher or a loss of the user's.
    """
    if type(setup.task) not in (Classification, Regression):
        raise ConfigError(
            "task",
            expected=f"classes or numbers to predict by a loss of the library, for {whom}",
            got=type(setup.task).__name__,
            remedy="take --gradients autograd and an optimizer that is told a gradient",
        )
    return setup.recipe.loss.resolved(setup.schema.target)
