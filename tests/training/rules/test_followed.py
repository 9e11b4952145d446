"""What a rule says that it follows is all that it follows: every other setting is refused by name."""

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from neurarium.checks import ConfigError
from neurarium.training.recipe import Recipe
from neurarium.training.rules.table import EVERY_RULE, RULES, check_followed, rule_class

VALUES = {bool: True, int: 3, float: 0.25, str: "another"}


def leaves(settings: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every field of a recipe by its dotted name, with its value and its type."""
    hints = get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            if field.name != "net":
                yield from leaves(value, f"{where}{field.name}.")
        else:
            yield f"{where}{field.name}", value, hints[field.name]


def others(value: Any, hint: Any) -> list[Any]:
    """Values of a field's type that differ from its own."""
    if type(None) in get_args(hint):
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    if choices := [choice for choice in get_args(hint) if isinstance(choice, str)]:
        return [choice for choice in choices if choice != value]
    if get_origin(hint) is tuple:
        return [(*(value or ()), *others(None, get_args(hint)[0]))]
    found = VALUES[hint]
    return [not found if found == value and hint is bool else found + 1 if found == value else found]


def changed(settings: Any, leaf: str, value: Any) -> Any:
    """The settings with one leaf changed, whatever may go with what."""
    name, _, rest = leaf.partition(".")
    inner = changed(getattr(settings, name), rest, value) if rest else value
    copy = object.__new__(type(settings))
    copy.__dict__.update(settings.__dict__ | {name: inner})
    return copy


LEAVES = {leaf: (value, others(value, hint)) for leaf, value, hint in leaves(Recipe())}


def meant(rule: str) -> Recipe:
    """The defaults, with what the rule demands."""
    recipe = Recipe()
    for entry in rule_class(rule).follows:
        leaf, _, demanded = entry.partition("=")
        if demanded and str(LEAVES[leaf][0]) not in demanded.split("|"):
            recipe = changed(recipe, leaf, demanded.split("|")[0])
    return recipe


def followed(leaf: str, value: Any, follows: frozenset[str]) -> bool:
    """Whether a rule says that it follows this value of a leaf."""
    if any(entry.startswith(f"{leaf}=") for entry in follows):
        return any(value in entry.partition("=")[2].split("|") for entry in follows if entry.startswith(f"{leaf}="))
    parts = leaf.split(".")
    return leaf in follows or any(f"{'.'.join(parts[:k])}.*" in follows for k in range(1, len(parts)))


def test_every_leaf_can_be_changed() -> None:
    assert len(LEAVES) > 40
    assert all(values and all(other != value for other in values) for value, values in LEAVES.values())


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_follows_a_setting_or_refuses_it_by_name(rule: str, leaf: str) -> None:
    kind = rule_class(rule)
    for value in LEAVES[leaf][1]:
        recipe = changed(meant(rule), leaf, value)
        if followed(leaf, value, EVERY_RULE | kind.follows):
            check_followed(recipe, kind)
        else:
            with pytest.raises(ConfigError, match=rf"^{leaf.replace('.', '[.]')}: expected .*, got "):
                check_followed(recipe, kind)


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_names_is_there(rule: str) -> None:
    groups = {leaf.rpartition(".")[0] for leaf in LEAVES}
    for entry in EVERY_RULE | rule_class(rule).follows:
        leaf, _, demanded = entry.partition("=")
        assert leaf in LEAVES or leaf.removesuffix(".*") in {*groups, "net"}
        assert set(demanded.split("|")) <= {
            "",
            str(LEAVES.get(leaf, ("",))[0]),
            *map(str, LEAVES.get(leaf, ("", ()))[1]),
        }
