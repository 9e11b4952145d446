"""What learning rules without a gradient cannot follow."""

from neurarium.checks import ConfigError
from neurarium.learning.objective import Objective, ObjectiveName
from neurarium.learning.optimisers import Optimiser
from neurarium.learning.schedules import Schedule
from neurarium.training.recipe import Recipe


def refuse_gradient_settings(recipe: Recipe, objective: ObjectiveName, whom: str, optimiser: str) -> None:
    """Refuse settings of gradient descent, which would be ignored.

    Args:
        recipe: whose optimiser must be plain sgd; its rate is left to the rule.
        objective: the only one that the rule has.
        whom: the net, for messages, such as "the perceptron".
        optimiser: what messages ask for in place of another optimiser.

    Raises:
        ConfigError: names the setting.
    """
    plain = Optimiser("sgd", lr=recipe.optimiser.lr)
    wanted: dict[str, tuple[object, object, str]] = {
        "objective": (recipe.objective, Objective(objective), f"--objective.name {objective} and nothing more"),
        "optimiser": (recipe.optimiser, plain, optimiser),
        "schedule": (recipe.schedule, Schedule(), "a constant rate"),
        "augmentation": (recipe.augmentation.active, False, "none"),
        "clip_norm": (recipe.clip_norm, None, "none"),
        "accumulate": (recipe.accumulate, 1, "1"),
        "compile": (recipe.compile, False, "False"),
        "precision": (recipe.precision, "float32", "float32"),
        "gradients": (recipe.gradients, "autograd", "autograd, as there are no gradients"),
    }
    for name, (got, right, words) in wanted.items():
        if got != right:
            raise ConfigError(name, expected=f"{words}, for {whom}", got=str(got))
