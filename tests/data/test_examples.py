import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.examples import agreed, restated
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

A = Schema({"x": Field((2,), mean=(1.0, 2.0), std=(3.0, 4.0))}, {"label": Field((), categories=("a", "b"))})
TWO = Schema({"x": Field((2,)), "z": Field(())}, {"p": Field((1,)), "q": Field(())})


def other(inputs=None, targets=None):
    return Schema(inputs or A.inputs, A.targets if targets is None else targets)


def test_a_schema_agrees_with_itself_and_with_one_of_other_constants_and_names():
    assert agreed(A, A) == A
    renamed = Schema({"features": Field((2,))}, {"species": Field((), categories=("b", "c", "a"))})
    assert agreed(A, renamed) == renamed
    assert agreed(TWO, TWO) == TWO


def test_targets_are_kept_where_the_examples_have_them():
    assert agreed(Schema(A.inputs), A) == Schema(A.inputs)
    assert agreed(Schema(TWO.inputs, {"q": Field(())}), TWO) == Schema(TWO.inputs, {"q": Field(())})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            A,
            other({"x": Field((3,))}),
            "field x: expected 3 of numbers, as was learned, got 2 of numbers; give data like",
        ),
        (
            A,
            other({"x": Field((2,), categories=("a",))}),
            "expected 2 of 1 categories, as was learned, got 2 of numbers",
        ),
        (
            A,
            other(targets={"y": Field(())}),
            "field label: expected one of numbers, as was learned, got one of 2 categ",
        ),
        (A, other(targets={}), "data: expected x, as was learned, got x, label"),
        (A, TWO, "data: expected x, z, p, q, as was learned, got x, label"),
        (TWO, Schema({"x": Field((2,)), "w": Field(())}, TWO.targets), "data: expected x, w, p, q, .* got x, z, p, q"),
        (TWO, Schema({"z": Field(()), "x": Field((2,))}, TWO.targets), "data: expected z, x, p, q, .* got x, z, p, q"),
        (
            other({"x": Field((2,), names=("w", "h"))}),
            other({"x": Field((2,), names=("h", "w"))}),
            "field x: expected in this order: h, w, as was learned, got w, h",
        ),
        (
            other({"x": Field((None, 2), axis="time")}),
            other({"x": Field((None, 2), axis="points")}),
            "field x: expected points x 2 of numbers, as was learned, got time x 2 of numbers",
        ),
    ],
)
def test_what_does_not_agree_is_named(old, new, message):
    with pytest.raises(DataError, match=message):
        agreed(old, new)


def test_restating_leads_from_one_scale_to_another():
    old, new = Field((1,), mean=(5.0,), std=(2.0,)), Field((1,), mean=(1.0,), std=(4.0,))
    stored = torch.tensor([[0.5], [-3.0]])  # 6 and -1 in the units of the source
    assert restated(stored, old, new, "y").tolist() == [[1.25], [-0.5]]
    assert restated(stored, old, old, "y") is stored
    assert restated(stored, Field((1,)), new, "y").tolist() == [[-0.125], [-1.0]]
    assert restated(stored, new, Field((1,)), "y").tolist() == [[3.0], [-11.0]]


def test_restating_numbers_the_categories_anew():
    old, new = Field((), categories=("a", "b", "c")), Field((), categories=("c", "x", "a", "b"))
    column = torch.tensor([2, 0, -1, 1])
    assert restated(column, old, new, "y").tolist() == [0, 2, -1, 3]
    assert restated(column.to(torch.int32).view(2, 2), old, new, "y").tolist() == [[0, 2], [-1, 3]]
    # a category that no example has may be unknown
    assert restated(column, old, Field((), categories=("c", "a", "b")), "y").tolist() == [0, 1, -1, 2]
    with pytest.raises(DataError, match=r"field y: expected one of the 2 categories that were learned, got 'b'; leave"):
        restated(column, old, Field((), categories=("c", "a")), "y")


def test_streams_of_examples_in_memory_are_their_batches():
    table = Table((torch.arange(10.0).view(5, 2),), (torch.arange(5) % 2,), A)
    indices = [torch.tensor([4, 0]), torch.tensor([1])]
    for batch, index in zip(table.stream(iter(indices)), indices, strict=True):
        assert torch.equal(batch.x, table.gather(index).x)
        assert torch.equal(batch.index, index)
    assert table.sizes().tolist() == [1] * 5
