"""What specs refuse, in the same words everywhere (no torch)."""

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema


def other_input(net: str, expected: str, schema: Schema) -> ShapeError:
    """The error for examples that a net (by its name in the catalog) is not made for."""
    got = ", ".join(
        f"{name} ({field.in_words()}{f' of {len(field.categories)} categories' if field.categories else ''})"
        for name, field in schema.inputs.items()
    )
    return ShapeError(
        f"{net} input",
        expected=expected,
        got=got,
        remedy="choose a net that is made for such examples (neurarium list)",
    )


def check_at_least_one(spec: NetSpec, *names: str) -> None:
    """Refuse fields below 1. Raises ConfigError: names the first."""
    for name in names:
        if getattr(spec, name) < 1:
            raise ConfigError(f"net.{name}", expected="an integer >= 1", got=str(getattr(spec, name)))


def check_quarters(shape: tuple[int, int, int], instead: str) -> None:
    """Refuse images that cannot be halved twice; `instead`: a net that takes them. Raises ShapeError."""
    _, height, width = shape
    if height % 4 or width % 4 or min(shape) < 1:
        raise ShapeError(
            "input of layer conv1",
            expected="images whose height and width are multiples of 4",
            got=f"{height} x {width}",
            remedy=f"resize or pad the images, or choose the net {instead}",
        )


def check_dropout(probability: float) -> None:
    """Refuse what is no probability of dropping a unit. Raises ConfigError: outside [0, 1)."""
    if not 0 <= probability < 1:
        raise ConfigError("net.dropout", expected="a probability in [0, 1)", got=str(probability))
