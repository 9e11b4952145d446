"""Which learning rule a recipe asks for."""

from collections.abc import Callable

from torch import nn

from neurarium.checks import ConfigError
from neurarium.learning.criterion import Criterion
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.generative.specs import AdversarialSpec
from neurarium.nets.spec import NetSpec
from neurarium.training.device import Placement
from neurarium.training.gradient_rule import GradientRule
from neurarium.training.recipe import Recipe
from neurarium.training.rule import LearningRule


def own_rule(spec: NetSpec) -> Callable[..., LearningRule] | None:
    """The learning rule that belongs to a net and to no other; none for nets that follow the gradient of an objective.

    Args:
        spec: names the net.
    """
    if isinstance(spec, PerceptronSpec):
        from neurarium.training.perceptron_rule import PerceptronRule

        return PerceptronRule
    if isinstance(spec, HopfieldSpec):
        from neurarium.training.storage_rule import StorageRule

        return StorageRule
    if isinstance(spec, RBMSpec):
        from neurarium.training.contrastive_rule import ContrastiveRule

        return ContrastiveRule
    if isinstance(spec, AdversarialSpec):
        from neurarium.training.adversarial_rule import AdversarialRule

        return AdversarialRule
    return None


def takes_bfloat16(recipe: Recipe) -> bool:
    """Whether the rule of a recipe computes in bfloat16; those that do not refuse it.

    Perceptron and Hopfield nets add what is exact in float32; solutions in closed form, curvature and the layer rules
    of `learning.backprop` are float32 and float64 alone.
    """
    return (
        not isinstance(recipe.net, PerceptronSpec | HopfieldSpec)
        and recipe.optimiser.name not in ("hessian-free", "closed-form")
        and recipe.gradients == "autograd"
    )


def make_rule(
    net: nn.Module,
    recipe: Recipe,
    placement: Placement,
    criterion: Criterion,
    total_steps: int,
    classes: int | None = None,
) -> LearningRule:
    """Make the rule by which a recipe learns.

    Args:
        net: on its device.
        recipe: names the rule.
        placement: where and how to compute.
        criterion: what to make small.
        total_steps: updates of the whole run, over which schedules are laid.
        classes: number of classes, for mixup alone.

    Raises:
        ConfigError: the rule cannot learn this net, or cannot follow a setting of the recipe.
    """
    own = own_rule(recipe.net)
    if own is not None:
        if recipe.gradients != "autograd":
            raise ConfigError(
                "gradients",
                expected="autograd, as this net has a learning rule of its own",
                got=recipe.gradients,
                remedy="leave --gradients out",
            )
        return own(net, recipe, placement, criterion, total_steps, classes)
    if recipe.optimiser.name == "hessian-free":
        from neurarium.training.hessian_free_rule import HessianFreeRule

        return HessianFreeRule(net, recipe, placement, criterion, total_steps, classes)
    if recipe.optimiser.name == "closed-form":
        from neurarium.training.closed_form_rule import ClosedFormRule

        return ClosedFormRule(net, recipe, placement, criterion, total_steps, classes)
    if recipe.gradients == "explicit":
        from neurarium.training.explicit_rule import ExplicitRule

        return ExplicitRule(net, recipe, placement, criterion, total_steps, classes)
    return GradientRule(net, recipe, placement, criterion, total_steps, classes)
