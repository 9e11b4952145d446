import itertools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.checks import DataError, ShapeError
from neurarium.record.schema import Field, Schema, field_in_words, image_schema

CLASS = {"label": Field((), categories=("cat", "dog"))}
IMAGES = Schema({"image": Field((3, 8, 6), mean=(1.0, 2.0, 3.0), std=(0.5, 1.0, 4.0), value_range=(0.0, 255.0))}, CLASS)
TABLE = Schema(
    {"features": Field((2,), names=("age", "income"), mean=(40.0, 3e4), std=(9.5, 1e4))},
    {"price": Field((2,), names=("low", "high"), mean=(1 / 3, -2.0), std=(0.1, 7.0))},
)
SERIES = Schema({"series": Field((None, 12), axis="time", mean=(0.5,) * 12, std=(2.0,) * 12)}, CLASS)
TOKENS = Schema({"tokens": Field((None,), categories=("a", "b"), axis="tokens", encoder="characters")}, CLASS)
PAIRS = Schema(
    {"source": Field((None,), categories=("a", "b"), axis="source")},
    {"target": Field((None,), categories=("<start>", "<end>", "A"), axis="target", constants={"joiner": ""})},
)
GRAPHS = Schema(
    {"x": Field((None, 3), axis="nodes"), "edges": Field((2, None), axis="edges", points_to="nodes")},
    {"label": Field((None,), categories=("core", "shell"), axis="nodes")},
)
NODES = Schema(
    {
        "x": Field((None, 6), axis="nodes"),
        "edges": Field((2, None), axis="edges", points_to="nodes"),
        "node": Field((), points_to="nodes"),
    },
    CLASS,
)
MOLECULES = Schema(
    {
        "species": Field((None,), categories=("H", "C"), axis="atoms"),
        "positions": Field((None, 3), axis="atoms"),
        "pairs": Field((2, None), axis="pairs", points_to="atoms"),
    },
    {
        "energy": Field((), names=("energy",), mean=(-5.0,), std=(2.0,)),
        "forces": Field((None, 3), axis="atoms", mean=(0.0,) * 3, std=(2.0,) * 3),
    },
)
ENCODED = Schema(
    {
        "date": Field(
            (4,),
            encoder="dates",
            constants={"order": ("day", "month"), "rows": ((1, 2), (3, 4)), "fill": {"day": (1.5, 2.5)}, "since": None},
        )
    }
)
ALL = {
    "images": IMAGES, "table": TABLE, "series": SERIES, "tokens": TOKENS, "pairs": PAIRS, "graphs": GRAPHS,
    "nodes": NODES, "molecules": MOLECULES, "encoded": ENCODED,
}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_survives_json(name: str) -> None:
    schema = ALL[name]
    again = Schema.from_plain(json.loads(json.dumps(schema.to_plain(), allow_nan=False)))
    assert again == schema
    assert [list(again.inputs), list(again.targets)] == [list(schema.inputs), list(schema.targets)]
    assert again.to_plain() == schema.to_plain()
    # what is given to JSON is no part of the schema itself
    plain = schema.to_plain()
    plain["inputs"].clear()
    assert again == schema


names = st.sampled_from(("x", "time", "a b", '"', "\\n", "ä", "名", "[1]"))
numbers = st.sampled_from((0.0, -0.0, 1 / 3, -2.5e-308, 1e300, 255.0, -7.0))
positive = st.sampled_from((5e-324, 1 / 3, 1.0, 1e300))


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a field: beartype draws when it looks at one, which no strategy may."""
    fixed = draw(st.lists(st.integers(1, 4), max_size=3))
    shape: list[int | None] = list(fixed)
    axis = ""
    if draw(st.booleans()):
        shape.insert(draw(st.integers(0, len(shape))), None)
        axis = draw(names)
    channels = fixed[0] if fixed else 1
    pair = draw(st.tuples(*[st.lists(kind, min_size=channels, max_size=channels) for kind in (numbers, positive)]))
    scaled = draw(st.booleans())
    return {
        "shape": tuple(shape),
        "categories": tuple(draw(st.lists(names, max_size=3, unique=True))),
        "names": tuple(draw(st.lists(names, max_size=2, unique=True))),
        "mean": tuple(pair[0]) if scaled else (),
        "std": tuple(pair[1]) if scaled else (),
        "value_range": draw(st.none() | st.tuples(numbers, numbers)),
        "axis": axis,
        "points_to": draw(st.just("") | names),
        "encoder": draw(st.just("") | names),
        "constants": draw(st.dictionaries(names, numbers | st.tuples(names, st.integers()) | st.none(), max_size=2)),
    }


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(names, fields(), min_size=1, max_size=3), st.dictionaries(names, fields(), max_size=2))
def test_any_schema_survives_json(inputs: dict[str, Any], targets: dict[str, Any]) -> None:
    schema = Schema(*({name: Field(**given) for name, given in group.items()} for group in (inputs, targets)))
    assert Schema.from_plain(json.loads(json.dumps(schema.to_plain(), allow_nan=False))) == schema


@pytest.mark.parametrize("damaged", [{}, {"inputs": {}}, {"inputs": {"x": {"shap": [2]}}, "targets": {}}])
def test_what_is_no_schema(damaged: dict) -> None:
    with pytest.raises((KeyError, TypeError)):
        Schema.from_plain(damaged)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"shape": (None, None), "axis": "time"}, r"one axis of varying size with a name.*got shape \(None, None\)"),
        ({"shape": (None, 3)}, r"one axis of varying size with a name, or none of either, got shape \(None, 3\), axis"),
        ({"shape": (3,), "axis": "time"}, "got shape .3,., axis 'time'"),
        ({"shape": (3,), "mean": (0.0,), "std": (1.0,)}, "3 means and standard deviations for .*got 1 and 1"),
        ({"shape": (2,), "mean": (0.0, 1.0)}, "got 2 and 0"),
        ({"shape": (2,), "std": (1.0, 1.0)}, "got 0 and 2"),
        ({"shape": (None, 2), "axis": "t", "mean": (0.0,), "std": (1.0,)}, "expected 2 means"),
        ({"shape": (2,), "mean": (0.0, 0.0), "std": (1.0, 0.0)}, "standard deviations > 0, got 1.0, 0.0"),
        ({"shape": (1,), "mean": (0.0,), "std": (math.nan,)}, "standard deviations > 0, got nan"),
        ({"shape": (), "mean": (0.0,), "std": (-1.0,)}, "standard deviations > 0, got -1.0"),
    ],
)
def test_a_field_refuses_what_cannot_be(settings: dict, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Field(**settings)


@pytest.mark.parametrize(
    ("shape", "channels", "trailing"),
    [((), 1, 0), ((5,), 5, 0), ((3, 8, 6), 3, 2), ((None,), 1, 0), ((None, 12), 12, 0), ((2, None), 2, 1)],
)
def test_channels_are_the_first_axis_of_fixed_size(shape: tuple[int | None, ...], channels: int, trailing: int) -> None:
    """Held against NumPy: numbers with a mean each broadcast over an example when `trailing` axes stand behind them."""
    field = Field(shape, axis="a" if None in shape else "")
    assert (field.channels, field.trailing) == (channels, trailing)
    example = np.zeros([7 if size is None else size for size in shape])
    constants = np.arange(channels).reshape(-1, *[1] * trailing)
    moved = example + constants
    assert moved.size == max(1, example.size)
    if shape:
        axis = next((k for k, size in enumerate(shape) if size is not None), 0)
        if channels > 1:
            assert np.moveaxis(moved, axis, 0).reshape(channels, -1).tolist() == [
                [k] * (example.size // channels) for k in range(channels)
            ]


def test_what_a_field_says_of_itself() -> None:
    image, series = IMAGES.input, SERIES.input
    assert (image.is_image, image.is_ragged, image.size, image.fixed_shape) == (True, False, 144, (3, 8, 6))
    assert (series.is_image, series.is_ragged, series.outputs) == (False, True, 12)
    assert not Field((1, 4, 4), categories=("a", "b")).is_image
    assert not Field((None, 4, 4), axis="frames").is_image
    assert (Field((), categories=("a", "b", "c")).outputs, Field((4,)).outputs, Field(()).outputs) == (3, 4, 1)
    assert [Field(s, axis=a).in_words() for s, a in (((), ""), ((2, 3), ""), ((2, None), "edges"))] == [
        "one", "2 x 3", "2 x edges",
    ]  # fmt: skip
    for ask in ("size", "fixed_shape"):
        with pytest.raises(ShapeError, match=r"all of one shape, got shape \(None, 12\), whose time varies"):
            getattr(series, ask)


def test_fields_are_values() -> None:
    """Two that say the same are one: as keys of a cache, whatever their encoders have found out."""
    one, other = (Field((2,), mean=(0.0, 1.0), std=(1.0, 1.0), constants={"a": [1]}) for _ in "ab")
    assert one == other
    assert len({one, other}) == 1
    assert one != replace(one, constants={"a": [2]})


def test_outputs_are_those_of_the_first_target() -> None:
    found = {name: schema.outputs for name, schema in ALL.items() if schema.targets}
    assert found == {
        "images": 2, "table": 2, "series": 2, "tokens": 2, "pairs": 3, "graphs": 2, "nodes": 2, "molecules": 1,
    }  # fmt: skip
    assert (IMAGES.classes, TABLE.classes, MOLECULES.classes) == (("cat", "dog"), ("low", "high"), ("energy",))
    assert Schema({}, {"y": Field((3,))}).classes == ("output 0", "output 1", "output 2")


@pytest.mark.parametrize("ask", ["target", "outputs", "classes"])
def test_without_a_target(ask: str) -> None:
    with pytest.raises(DataError, match=r"examples with a target.*got a schema without targets; give labels, or a net"):
        getattr(Schema({"x": Field((2,))}), ask)


@pytest.mark.parametrize("name", ["series", "tokens", "pairs", "graphs", "nodes", "molecules"])
def test_dense_refuses_what_is_not_one_tensor_of_numbers(name: str) -> None:
    with pytest.raises(ShapeError, match=r"mlp input: expected one tensor of numbers.*neurarium list") as caught:
        ALL[name].dense("mlp")
    assert all(field in caught.value.got for field in ALL[name].inputs)


def test_dense_says_what_came() -> None:
    with pytest.raises(ShapeError, match=r"got tokens \(tokens\) of 2 categories"):
        TOKENS.dense("mlp")
    with pytest.raises(ShapeError, match=r"got x \(nodes x 3\), edges \(2 x edges\)"):
        GRAPHS.dense("mlp")
    with pytest.raises(ShapeError, match=r"got x \(4\) of 1 categories"):
        Schema({"x": Field((4,), categories=("a",))}).dense("mlp")
    assert TABLE.dense("mlp") is TABLE.inputs["features"]


def test_images_and_nothing_else() -> None:
    assert IMAGES.image("lenet5") == (3, 8, 6)
    message = r"lenet5 input: expected images.*got examples of shape \(2,\); give images, or choose the net mlp"
    with pytest.raises(ShapeError, match=message):
        TABLE.image("lenet5")
    with pytest.raises(ShapeError, match="choose the net gan for vectors"):
        TABLE.image("dcgan", instead="gan")
    with pytest.raises(ShapeError, match="one tensor of numbers"):
        SERIES.image("lenet5")


def test_with_fields_keeps_order_and_ignores_other_names() -> None:
    other = Field((2,), names=("a", "b"))
    changed = TABLE.with_fields(price=other, unknown=Field(()))
    assert (changed.inputs, changed.targets) == (TABLE.inputs, {"price": other})
    swapped = GRAPHS.with_fields(edges=GRAPHS.inputs["edges"], x=Field((None, 9), axis="nodes"))
    assert list(swapped.fields) == ["x", "edges", "label"]
    assert swapped.input.channels == 9


def test_a_schema_to_try_nets_on() -> None:
    for shape, classes in itertools.product([(4,), (3, 5, 5)], [2, 7]):
        schema = image_schema(shape, classes)
        assert (schema.input.fixed_shape, schema.outputs, schema.classes[-1]) == (shape, classes, str(classes - 1))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("images", ["image 1 x 28 x 28", "label, one of 5"]),
        ("vectors", ["features 12", "label, one of 3"]),
        ("series", ["series time x 12", "label, one of 3"]),
        ("tokens", ["tokens of a vocabulary of 12", "label, one of 2"]),
        ("windows", ["tokens 8 of a vocabulary of 5", "next 8 of a vocabulary of 5"]),
        ("graphs", ["x nodes x 3", "edge_index 2 x edges, numbers of nodes", "label, one of 2"]),
        (
            "nodes",
            ["x nodes x 6", "edge_index 2 x edges, numbers of nodes", "node, numbers of nodes", "label, one of 2"],
        ),
        (
            "molecules",
            [
                "species atoms of a vocabulary of 3", "positions atoms x 3", "pairs 2 x pairs, numbers of atoms",
                "energy", "forces atoms x 3",
            ],
        ),
    ],
)  # fmt: skip
def test_every_field_has_its_words(kind: str, words: list[str], request: pytest.FixtureRequest) -> None:
    schema: Schema = request.getfixturevalue(kind).schema
    assert [field_in_words(name, field) for name, field in schema.fields.items()] == words
    assert schema.in_words() == "; ".join(words)
