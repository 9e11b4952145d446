"""What a recipe means: settings that were left open, and those that cannot go together."""

import dataclasses

from neurarium.checks import ConfigError
from neurarium.learning.objective import Objective, ObjectiveName
from neurarium.nets.spec import Purpose
from neurarium.training.device import find_placement
from neurarium.training.recipe import Recipe, net_kind
from neurarium.training.rules import own_rule, takes_bfloat16

_MEANT: dict[Purpose, ObjectiveName] = {
    "reconstruction": "reconstruction", "density": "own", "generation": "own", "recall": "own",
}  # fmt: skip


def settled(recipe: Recipe) -> Recipe:
    """A recipe with nothing left open.

    - The precision "auto" becomes bfloat16 where the device multiplies it fast and the learning rule takes it, else
      float32. It is settled once, when a run starts, and stands so in its folder: on another machine the run goes on
      in the same number format.
    - The objective that nobody has touched becomes that of a net which is no classifier.

    Raises:
        ConfigError: no such device here.

    Example:
        >>> settled(Recipe(precision="auto", gradients="explicit")).precision  # a rule of float32
        'float32'
        >>> from neurarium.nets.generative.specs import GANSpec
        >>> settled(Recipe(net=GANSpec())).objective.name
        'own'
    """
    purpose = recipe.net.purpose
    if purpose in _MEANT and recipe.objective == Objective():
        recipe = dataclasses.replace(recipe, objective=Objective(_MEANT[purpose]))
    if recipe.precision != "auto":
        return recipe
    wanted = "auto" if takes_bfloat16(recipe) else "float32"
    found = find_placement(recipe.device, wanted).precision
    return dataclasses.replace(recipe, precision="bfloat16" if found == "bfloat16" else "float32")


def check_settings(recipe: Recipe) -> None:
    """Refuse settings that no run can follow together.

    Args:
        recipe: `settled`.

    Raises:
        ConfigError: batches cut where the parts do not add up, or an objective that is not about what the net answers
            with.
    """
    if recipe.accumulate > 1 and recipe.objective.weighted:  # each part would have a weighted mean of its own
        raise ConfigError(
            "accumulate",
            expected="1 with weighted classes, whose mean is taken over the whole batch",
            got=str(recipe.accumulate),
        )
    name, kind = recipe.objective.name, net_kind(recipe.net)
    meant = _MEANT.get(recipe.net.purpose)
    if meant is not None and recipe.objective != Objective(meant):
        why = "answers with its input" if meant == "reconstruction" else "has a learning rule of its own"
        raise ConfigError("objective", expected=f"{meant} and nothing more, as {kind} {why}", got=name)
    if name == "own" and own_rule(recipe.net) is None:
        raise ConfigError(
            "objective",
            expected=f"one that a gradient can be taken of, as {kind} has no learning rule of its own",
            got=name,
            remedy="--objective.name cross-entropy, or squared-error where numbers are predicted",
        )
