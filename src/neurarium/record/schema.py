"""What an example looks like, as plain values (no torch): its fields, their shapes, units and categories.

A `Schema` is known before any number is read and stays with a run in `data.json`: nets are built from it, tasks score
by it, and whoever predicts later is held to it.

    Field(shape=(1, 28, 28))                              an image
    Field(shape=(), categories=("cat", "dog"))            a class
    Field(shape=(None, 12), axis="time")                  a series of 12 features, as long as it likes
    Field(shape=(None,), categories=words, axis="tokens") tokens
    Field(shape=(2, None), axis="edges", points_to="nodes")   edges, pairs of node numbers
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neurarium.checks import DataError, ShapeError
from neurarium.record.notebook import html_table

_NAMED = 20  # classes that a notebook shows

BLANK = "<blank>"
"""The category of a step that says nothing, of targets whose tokens stand in order beside the steps of the input."""


@dataclass(frozen=True)
class Field:
    """One column of an example.

    Args:
        shape: of one example; None where the size varies.
        categories: what integers stand for: names of classes, words, elements; empty where numbers are numbers.
        names: of the numbers along the first axis of fixed size: features of a table, outputs to predict; may be empty.
        mean: by which numbers are standardized, one number an entry of the first axis of fixed size; empty: not at all.
        std: likewise, all positive.
        value_range: smallest and largest value, in the units of the source: (0, 255) for 8-bit pixels.
        axis: name of the axis whose size varies; fields of one axis have one length in each example.
        points_to: the axis whose rows the integers of this field number; they are moved where examples are joined.
        encoder: how raw values became these integers or numbers, by name; empty where they came as they are.
        constants: what the encoder has found out from the training data.
    Raises DataError: more than one axis that varies, a name twice, or constants that do not fit the shape.
    """

    shape: tuple[int | None, ...]
    categories: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    value_range: tuple[float, float] | None = None
    axis: str = ""
    points_to: str = ""
    encoder: str = ""
    constants: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        varying = sum(size is None for size in self.shape)
        if varying > 1 or (varying == 1) != bool(self.axis):
            raise DataError(
                "field",
                expected="one axis of varying size with a name, or none of either",
                got=f"shape {self.shape}, axis {self.axis!r}",
            )
        if len(self.mean) != len(self.std) or (self.mean and len(self.mean) != self.channels):
            raise DataError(
                "field",
                expected=f"{self.channels} means and standard deviations for shape {self.shape}",
                got=f"{len(self.mean)} and {len(self.std)}",
            )
        for what, given in (("names", self.names), ("categories", self.categories)):
            if len(set(given)) < len(given):
                twice = next(name for k, name in enumerate(given) if name in given[:k])
                raise DataError(
                    "field", expected=f"{what} that differ", got=f"{twice!r} twice", remedy="rename or remove one"
                )
        if not all(0 < std < math.inf for std in self.std):
            raise DataError("field", expected="standard deviations > 0", got=", ".join(map(str, self.std)))

    def __repr__(self) -> str:
        usual = vars(Field(())) | {"shape": None}
        return f"Field({', '.join(f'{k}={_elided(v)}' for k, v in vars(self).items() if v != usual[k])})"

    @property
    def is_ragged(self) -> bool:
        """Whether the size of an example varies."""
        return None in self.shape

    @property
    def is_image(self) -> bool:
        """Whether it is (channels, height, width) of numbers."""
        return len(self.shape) == 3 and not self.is_ragged and not self.categories

    @property
    def is_transcript(self) -> bool:
        """Whether it is a row of tokens that are said while a series goes on, nobody knows when."""
        return self.shape == (None,) and BLANK in self.categories

    @property
    def is_series(self) -> bool:
        """Whether it is (entries, features) of numbers, as many entries as an example has."""
        return len(self.shape) == 2 and self.shape[0] is None and not self.categories

    @property
    def channel_axis(self) -> int | None:
        """The first axis of fixed size, along which numbers have a mean each; None for a single number an entry."""
        return next((k for k, size in enumerate(self.shape) if size is not None), None)

    @property
    def channels(self) -> int:
        """Size of the channel axis, 1 where there is none."""
        axis = self.channel_axis
        return 1 if axis is None else int(self.shape[axis] or 0)

    @property
    def trailing(self) -> int:
        """How many axes come behind the channels: 2 for an image, 0 for a row of features."""
        axis = self.channel_axis
        return 0 if axis is None else len(self.shape) - 1 - axis

    @property
    def fixed_shape(self) -> tuple[int, ...]:
        """The shape, where nothing varies. Raises ShapeError: something does."""
        if self.is_ragged:
            raise ShapeError(
                "examples", expected="all of one shape", got=f"shape {self.shape}, whose {self.axis} varies"
            )
        return tuple(int(size or 0) for size in self.shape)

    @property
    def size(self) -> int:
        """How many numbers one example holds; ShapeError where that varies."""
        return math.prod(self.fixed_shape)

    @property
    def outputs(self) -> int:
        """How many numbers a net answers with for one entry of this target: a logit a category, or the channels."""
        return len(self.categories) or self.channels

    @property
    def standardized(self) -> bool:
        """Whether its numbers are moved to mean 0 and standard deviation 1."""
        return bool(self.mean)

    def in_words(self) -> str:
        """The shape for people.

        Example:
            >>> Field((1, 28, 28)).in_words(), Field((None, 12), axis="time").in_words(), Field(()).in_words()
            ('1 x 28 x 28', 'time x 12', 'one')
        """
        return " x ".join(self.axis if size is None else str(size) for size in self.shape) or "one"


@dataclass(frozen=True)
class Schema:
    """What goes into a net, in the order of its arguments, and what it should say (nothing without labels), by name."""

    inputs: Mapping[str, Field]
    targets: Mapping[str, Field] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Schema({self.in_words()})"

    def _repr_html_(self) -> str:
        return html_table("Schema", self.rows())

    @property
    def fields(self) -> dict[str, Field]:
        """Inputs, then targets."""
        return {**self.inputs, **self.targets}

    @property
    def input(self) -> Field:
        """The first input, which most nets take alone."""
        return next(iter(self.inputs.values()))

    @property
    def target(self) -> Field:
        """The first target. Raises DataError: there is none."""
        if not self.targets:
            raise DataError(
                "data",
                expected="examples with a target: a class or numbers to learn",
                got="a schema without targets",
                remedy="give labels, or a net that needs none (autoencoder, rbm, gan)",
            )
        return next(iter(self.targets.values()))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of what is predicted: of the classes, or of the numbers."""
        target = self.target
        return target.categories or target.names or tuple(f"output {k}" for k in range(target.channels))

    @property
    def outputs(self) -> int:
        """How many numbers a net answers with: logits, or numbers to predict."""
        return self.target.outputs

    @property
    def is_dense(self) -> bool:
        """Whether an example is one tensor of numbers, of the same shape for every example."""
        return len(self.inputs) == 1 and not self.input.is_ragged and not self.input.categories

    def dense(self, net: str, remedy: str = "choose a net that is made for such examples (neurarium list)") -> Field:
        """The only input, of one shape and of numbers.

        Raises ShapeError: several inputs, one whose size varies, or integers that stand for something.
        """
        only = self.input
        if self.is_dense:
            return only
        got = ", ".join(f"{name} ({field.in_words()})" for name, field in self.inputs.items())
        if only.categories:
            got += f" of {len(only.categories)} categories"
        expected = "one tensor of numbers, of the same shape for every example"
        raise ShapeError(f"{net} input", expected=expected, got=got, remedy=remedy)

    def image(self, net: str, instead: str = "mlp") -> tuple[int, int, int]:
        """Channels, height and width of the examples of a net of images.

        Raises ShapeError: the examples are not images.
        """
        field = self.dense(net)
        if len(field.shape) != 3:
            raise ShapeError(
                f"{net} input",
                expected="images, each of shape (channels, height, width)",
                got=f"examples of shape {field.shape}",
                remedy=f"give images, or choose the net {instead} for vectors",
            )
        channels, height, width = field.fixed_shape
        return channels, height, width

    def in_words(self) -> str:
        """Names, shapes and kinds of all fields."""
        return "; ".join(field_in_words(name, field) for name, field in self.fields.items())

    def rows(self) -> list[tuple[str, str]]:
        """A row a field for a table, and one for the names of classes or outputs where they are few."""
        rows = [(name, field_in_words(name, field)) for name, field in self.fields.items()]
        if self.targets and len(self.classes) <= _NAMED:
            rows.append(("classes" if self.target.categories else "outputs", ", ".join(self.classes)))
        return rows

    def with_fields(self, **fields: Field) -> "Schema":
        """The schema with other fields in the place of those of the same name."""
        inputs = {name: fields.get(name, old) for name, old in self.inputs.items()}
        return Schema(inputs, {name: fields.get(name, old) for name, old in self.targets.items()})

    def to_plain(self) -> dict[str, Any]:
        """Return the schema as JSON can hold it."""
        return {
            part: {
                name: dataclasses.asdict(field) | {"constants": dict(field.constants)} for name, field in group.items()
            }
            for part, group in (("inputs", self.inputs), ("targets", self.targets))
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Schema":
        """Read what `to_plain` wrote, lists as tuples. Raises KeyError, TypeError: it is no schema."""
        inputs, targets = (
            {
                name: Field(**{key: _tupled(value) for key, value in field.items()})
                for name, field in plain[part].items()
            }
            for part in ("inputs", "targets")
        )
        return cls(inputs, targets)


def field_in_words(name: str, field: Field) -> str:
    """Name, shape and kind of a field.

    Example:
        >>> field_in_words("image", Field((1, 28, 28)))
        'image 1 x 28 x 28'
        >>> field_in_words("tokens", Field((None,), categories=tuple("abc"), axis="tokens"))
        'tokens of a vocabulary of 3'
        >>> field_in_words("edge_index", Field((2, None), axis="edges", points_to="nodes"))
        'edge_index 2 x edges, numbers of nodes'
    """
    shape = field.in_words()
    words = name if shape in ("one", name) else f"{name} {shape}"
    if field.points_to:
        return f"{words}, numbers of {field.points_to}"
    if field.categories:
        count = len(field.categories)
        return f"{words} of a vocabulary of {count:,}" if field.shape else f"{words}, one of {count:,}"
    return words


def image_schema(shape: tuple[int, ...] = (1, 28, 28), classes: int = 10) -> Schema:
    """A schema of images or vectors in some classes: what a net is tried on where no data are at hand.

    Example:
        >>> image_schema().outputs, image_schema((4,), 3).input.shape
        (10, (4,))
    """
    return Schema({"x": Field(shape)}, {"label": Field((), categories=tuple(map(str, range(classes))))})


def _elided(value: Any, most: int = 4) -> str:
    """A value as Python writes it, the middle of a long collection left out."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: ..." for name in value) + "}"
    if isinstance(value, tuple) and len(value) > most:
        return f"({', '.join(map(repr, value[: most - 1]))}, ..., {value[-1]!r})"
    return repr(value)


def _tupled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tupled(inner) for key, inner in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
