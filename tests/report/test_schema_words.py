import pytest

from neurarium.data.dataset import Dataset
from neurarium.record.schema import Field, Schema, image_schema
from neurarium.report.schema_words import categories_in_words, inputs_in_words, listed, targets_in_words


@pytest.mark.parametrize(
    ("kind", "inputs", "targets"),
    [
        ("images", "images", "label"),
        ("vectors", "vectors", "label"),
        ("series", "series", "label"),
        ("tokens", "tokens", "label"),
        ("windows", "tokens", "next"),
        ("pairs", "source", "target"),
        ("nodes", "nodes", "label"),
        ("graphs", "graphs of nodes", "label"),
        ("points", "points", "label"),
        ("molecules", "graphs of atoms", "energy and forces"),
    ],
)
def test_every_kind_of_data_has_its_words(kind: str, inputs: str, targets: str, request: pytest.FixtureRequest) -> None:
    data: Dataset = request.getfixturevalue(kind)
    assert inputs_in_words(data.schema) == inputs
    assert targets_in_words(data.schema) == targets


def test_what_is_predicted_has_the_names_of_its_numbers() -> None:
    price = {"y": Field((1,), names=("price",))}
    assert targets_in_words(Schema(image_schema().inputs, price)) == "price"
    many = {"y": Field((8,), names=tuple("abcdefgh"))}
    assert targets_in_words(Schema(image_schema().inputs, many)) == "a, b, c, d, e and 3 more"
    assert targets_in_words(Schema(image_schema().inputs)) == ""


def test_inputs_that_belong_together_are_listed() -> None:
    assert inputs_in_words(Schema({"left": Field((2,)), "right": Field((3,))})) == "left and right"
    assert listed(()) == ""
    assert listed(("a",)) == "a"


@pytest.mark.parametrize(("count", "words"), [(3, "0, 1, 2"), (51, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …")])
def test_of_more_than_fifty_categories_the_first_are_named(count: int, words: str) -> None:
    assert categories_in_words(Field((), categories=tuple(map(str, range(count))))) == words
    assert "…" not in categories_in_words(Field((), categories=tuple(map(str, range(50)))))


def test_several_targets_have_their_own_names() -> None:
    both = {"energy": Field((), names=("E",)), "forces": Field((None, 3), axis="atoms", names=("x", "y", "z"))}
    assert targets_in_words(Schema({}, both)) == "energy and forces"
