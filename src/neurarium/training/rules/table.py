"""All learning rules by name, which one a recipe means, and the settings that it can follow."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from neurarium.checks import ConfigError, choose
from neurarium.training.device import find_device
from neurarium.training.recipe import Recipe, net_kind
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.rule import LearningRule, Setup


def _gradient() -> type[LearningRule]:
    return GradientRule


def _explicit() -> type[LearningRule]:
    from neurarium.training.rules.explicit import ExplicitRule

    return ExplicitRule


def _closed_form() -> type[LearningRule]:
    from neurarium.training.rules.closed_form import ClosedFormRule

    return ClosedFormRule


def _hessian_free() -> type[LearningRule]:
    from neurarium.training.rules.hessian_free import HessianFreeRule

    return HessianFreeRule


def _perceptron() -> type[LearningRule]:
    from neurarium.training.rules.perceptron import PerceptronRule

    return PerceptronRule


def _storage() -> type[LearningRule]:
    from neurarium.training.rules.storage import StorageRule

    return StorageRule


def _contrastive() -> type[LearningRule]:
    from neurarium.training.rules.contrastive import ContrastiveRule

    return ContrastiveRule


def _adversarial() -> type[LearningRule]:
    from neurarium.training.rules.adversarial import AdversarialRule

    return AdversarialRule


RULES: dict[str, Callable[[], type[LearningRule]]] = {
    "gradient": _gradient,
    "explicit": _explicit,
    "closed-form": _closed_form,
    "hessian-free": _hessian_free,
    "perceptron": _perceptron,
    "storage": _storage,
    "contrastive": _contrastive,
    "adversarial": _adversarial,
}
"""Each but the first, which most runs learn by, is loaded when it is asked for."""

EVERY_RULE = frozenset(
    {
        "name", "net.*", "task", "data", "data_folder", "pretrained", "early_stopping.*", "epochs", "batch_size",
        "seed", "device", "matrix_products", "threads", "checkpoints.*",
    }
)  # fmt: skip
"""Leaves of a recipe that are the loop's own affair, whatever the rule."""


def rule_name(recipe: Recipe) -> str:
    """The name of the rule by which a recipe learns: the net's own, the optimizer's, or that of its gradients."""
    if recipe.net.rule != "gradient":
        return recipe.net.rule
    return recipe.optimizer.rule or ("explicit" if recipe.gradients == "explicit" else "gradient")


def rule_class(name: str) -> type[LearningRule]:
    """The class of a rule. Raises ConfigError: no such rule; names the closest."""
    return choose(name, RULES, subject="learning rule")()


def resolved(recipe: Recipe) -> Recipe:
    """The recipe with its precision decided and every setting one that its rule follows.

    "auto" becomes bfloat16 where the device multiplies it fast and the rule follows "precision", else float32. It is
    decided once, when a run starts, and stands so in its folder: on another machine the run goes on in the same format.
    Raises ConfigError: a setting that differs from its default and that the rule cannot follow, or no such device here.

    Example:
        >>> resolved(Recipe(precision="auto", gradients="explicit")).precision  # a rule of float32
        'float32'
    """
    kind = rule_class(rule_name(recipe))
    if recipe.precision == "auto":
        wanted = "auto" if "precision" in kind.follows else "float32"
        found = find_device(recipe.device, wanted).precision
        recipe = dataclasses.replace(recipe, precision="bfloat16" if found == "bfloat16" else "float32")
    check_followed(recipe, kind)
    return recipe


def check_followed(recipe: Recipe, rule: type[LearningRule]) -> None:
    """Raise ConfigError, naming the first, where settings would be ignored."""
    given, plain = dict(_leaves(recipe)), _PLAIN
    follows = EVERY_RULE | rule.follows
    demanded = {leaf: values.split("|") for leaf, _, values in (f.partition("=") for f in follows) if values}
    whom = f"the rule {rule_name(recipe)}" + (
        "" if recipe.net.rule == "gradient" else f" of the net {net_kind(recipe.net)}"
    )
    for leaf, value in given.items():
        if leaf in demanded:
            if str(value) not in demanded[leaf]:
                raise ConfigError(leaf, expected=f"{' or '.join(demanded[leaf])}, for {whom}", got=str(value))
        elif not _followed(leaf, follows) and value != plain.get(leaf):
            usual = "none" if plain.get(leaf) in (None, False, ()) else str(plain[leaf])
            raise ConfigError(
                leaf, expected=f"{usual}, its default, for {whom}, which cannot follow it", got=str(value)
            )


def make_rule(setup: Setup) -> LearningRule:
    """Make the rule by which a recipe learns. Raises ConfigError: the rule cannot learn this net."""
    return rule_class(rule_name(setup.recipe))(setup)  # type: ignore[call-arg]


def _followed(leaf: str, follows: frozenset[str]) -> bool:
    groups = leaf.split(".")
    return leaf in follows or any(".".join(groups[:k]) + ".*" in follows for k in range(1, len(groups)))


def _leaves(settings: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every field by its dotted name; settings inside settings field by field, but for the net, which is its own."""
    for field in dataclasses.fields(settings):
        value, path = getattr(settings, field.name), f"{where}{field.name}"
        if path == "net":
            continue
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


_PLAIN: dict[str, Any] = dict(_leaves(Recipe()))
