"""`neurarium show NAME|RUN`: the net, layer by layer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from neurarium.checks import ConfigError
from neurarium.cli.notices import tell
from neurarium.cli.parse import parse
from neurarium.record.schema import Field, Schema, image_schema

if TYPE_CHECKING:
    from neurarium.training.recipe import Recipe
    from neurarium.training.run import Run


def run(arguments: Sequence[str]) -> int:
    """Print the layers of a net."""
    return parse(show, "show", arguments)


def show(name: tyro.conf.Positional[str], /, shape: tuple[int, ...] | None = None, classes: int | None = None) -> int:
    """Show layers, output shapes, parameters and multiply-adds.

    Args:
        name: a recipe, a net or a run folder.
        shape: shape of one example; none: that of the recipe's data, and one that fits for a net alone.
        classes: number of classes, or of numbers to predict; none: that of the recipe's data, and ten for a net alone,
            or what fits.
    """
    from rich.console import Console

    from neurarium.report.layers import summary_of
    from neurarium.report.tables import layers_table

    found, remark = _find(name, shape, classes)
    tell(found.notices)
    summary, of = summary_of(found)
    console = Console(highlight=False)
    console.print(layers_table(summary))
    if of != "one example":
        console.print(f"Shapes and multiply-adds are those of {of}.", markup=False)
    if remark:
        console.print(remark, markup=False)
    return 0


def _find(name: str, shape: tuple[int, ...] | None, classes: int | None) -> "tuple[Run, str]":
    """The net as a run has it, and a remark where it is not shown for the recipe's data."""
    from neurarium import api
    from neurarium.checks import DataError, choose
    from neurarium.nets.catalog import NETS, named_specs
    from neurarium.nets.convolutional.deep_specs import LARGE_IMAGES
    from neurarium.recipes.catalog import RECIPES
    from neurarium.training.folder import is_run
    from neurarium.training.recipe import Recipe

    if is_run(name):
        if shape is not None or classes is not None:
            raise ConfigError(
                "shape, classes", expected="none for a run, whose net is there already", got="one of them"
            )
        return api.load(name), ""
    plans = {recipe: make() for recipe, make in RECIPES.items()}
    plans |= {net: Recipe(name=net, net=spec) for net, spec in named_specs().items() if net not in plans}
    plan = choose(name, plans, subject="recipe, net or run folder")
    example = plan.net.example() if name in {**RECIPES, **NETS} else LARGE_IMAGES  # of a published size
    if plan.net.needs and not plan.pretrained:
        users = ", ".join(recipe for recipe in RECIPES if plans[recipe].net.needs)
        raise ConfigError(
            name,
            expected="a net that can be shown by itself",
            got="one that stands on another run's net",
            remedy=f"show a recipe that uses it: {users}",
        )
    if name not in RECIPES or (shape is not None and classes is not None):
        return _fresh(plan, sized(example, shape, classes)), ""
    try:
        return _fresh(plan, sized(api.data_of(plan).schema, shape, classes)), ""
    except DataError as missing:
        schema = sized(example, shape, classes)
        remark = f"Shown for {_in_words(schema)}, as {plan.data} cannot be read here: {missing}"
        return _fresh(plan, schema), remark


def sized(schema: Schema, shape: tuple[int, ...] | None, classes: int | None) -> Schema:
    """The schema for examples of another shape, or in another number of classes or of numbers to predict.

    Raises ConfigError: examples that have no one shape, or targets that are no class or row of numbers.

    Example:
        >>> sized(image_schema(), (3, 32, 32), None).input.shape, sized(image_schema(), None, 2).classes
        ((3, 32, 32), ('0', '1'))
    """
    changed: dict[str, Field] = {}
    if classes is not None and classes < 1:
        raise ConfigError("classes", expected="an integer >= 1", got=str(classes))
    if shape is not None:
        ((name, field), *others) = schema.inputs.items()
        if others or field.is_ragged or field.categories:
            got = ", ".join(f"{name} ({field.in_words()})" for name, field in schema.inputs.items())
            raise ConfigError("shape", expected="none, as the net takes more than a tensor of one shape", got=got)
        changed[name] = Field(shape, value_range=field.value_range)
    if classes is not None and not schema.targets:
        return Schema(schema.with_fields(**changed).inputs, image_schema(classes=classes).targets)
    if classes is not None:
        name, field = next(iter(schema.targets.items()))
        if field.is_ragged or (field.categories and field.shape):
            raise ConfigError(
                "classes", expected="none, as a target is not one class", got=f"{name} ({field.in_words()})"
            )
        names = tuple(map(str, range(classes)))
        changed[name] = Field((), names) if field.categories else Field((classes,), names=names)
    return schema.with_fields(**changed)


def _fresh(plan: "Recipe", schema: Schema) -> "Run":
    """A recipe's net with its first weights, as a run that there is not yet."""
    from neurarium import api
    from neurarium.training.data_info import DataInfo
    from neurarium.training.device import find_device
    from neurarium.training.run import Run
    from neurarium.training.seed import own_generators

    with own_generators():
        net = api.fresh_net(plan, schema)
    return Run(Path(plan.name), plan, DataInfo("", schema, {}, "", "", ""), net, find_device("cpu"))


def _in_words(schema: Schema) -> str:
    """What it is shown for."""
    shapes = " and ".join(field.in_words() for field in schema.inputs.values())
    if not schema.targets:
        return f"examples of {shapes}"
    return (
        f"examples of {shapes} and {schema.outputs} {'classes' if schema.target.categories else 'numbers to predict'}"
    )
