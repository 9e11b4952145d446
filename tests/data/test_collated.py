import pytest
import torch
from torch.utils.data import default_collate

from neurarium.checks import DataError
from neurarium.data.collated import Collated
from neurarium.record.schema import Field, Schema

PLAIN = Collated(default_collate)
CPU = torch.device("cpu")


def padded(items):
    """Series of any length, filled up with zeros, and their lengths."""
    series, labels = zip(*items, strict=True)
    lengths = torch.tensor([len(row) for row in series])
    return torch.nn.utils.rnn.pad_sequence(list(series), batch_first=True), lengths, torch.tensor(labels)


def fields(schema):
    return {name: (field.shape, field.categories, field.names) for name, field in schema.fields.items()}


@pytest.mark.parametrize(
    ("item", "inputs", "targets"),
    [
        ((torch.zeros(4), 1), {"features": (4,)}, {"label": ()}),
        ((torch.zeros(1, 5, 4), 1), {"image": (1, 5, 4)}, {"label": ()}),
        ((torch.zeros(2, 5), True), {"input": (2, 5)}, {"label": ()}),
        ((3.5, 0.5), {"input": ()}, {"target": (1,)}),
        ((torch.zeros(4), torch.zeros(1)), {"features": (4,)}, {"target": (1,)}),
        ((torch.zeros(4), torch.zeros(3, 2)), {"features": (4,)}, {"target": (3, 2)}),
        ((torch.zeros(4), torch.zeros(3).long()), {"features": (4,)}, {"label": (3,)}),
        ([torch.zeros(4), torch.zeros(2), 1], {"input_0": (4,), "input_1": (2,)}, {"label": ()}),
        ({"a": torch.zeros(4), "labels": 1, "b": 2.0}, {"a": (4,), "b": ()}, {"labels": ()}),
        ({"y": 1, "a": torch.zeros(4), "target": 2.0}, {"y": (), "a": (4,)}, {"target": (1,)}),
        (torch.zeros(4), {"features": (4,)}, {}),
        ((torch.zeros(4),), {"features": (4,)}, {}),
    ],
)
def test_inputs_and_targets_of_items(item, inputs, targets):
    schema = PLAIN.schema([item] * 3)
    assert {name: field.shape for name, field in schema.inputs.items()} == inputs
    assert {name: field.shape for name, field in schema.targets.items()} == targets


def test_keys_may_be_said_to_be_targets():
    items = [{"width": 1.0, "height": float(k), "price": 2.0 * k} for k in range(4)]
    schema = Collated(default_collate, ("price", "height")).schema(items)
    assert (list(schema.inputs), list(schema.targets)) == (["width"], ["price", "height"])
    for said, keys in [(("cost",), "width, height, price"), (tuple(items[0]), "width, height, price")]:
        with pytest.raises(DataError, match=f"data: expected items with .*, got the keys {keys}; say which key is the"):
            Collated(default_collate, said).schema(items)
    with pytest.raises(DataError, match="data: expected items with inputs and a target, got the keys width, height"):
        PLAIN.schema([{"width": 1.0, "height": 2.0}])
    with pytest.raises(
        DataError, match="target: expected a key of items that are dictionaries, got items of type list"
    ):
        Collated(default_collate, ("y",)).schema([(1.0, 2.0)])


def test_numbers_become_32_bit_floats_and_tokens_stay():
    item = (torch.zeros(2, dtype=torch.float64), torch.ones(2).byte(), torch.tensor([True]), torch.tensor([5]), 0.5)
    inputs, targets = PLAIN.columns([item, item])
    floats = torch.float32
    assert [value.dtype for value in inputs.values()] == [floats, floats, floats, torch.int64]
    assert targets["target"].dtype == torch.float32
    assert targets["target"].tolist() == [[0.5], [0.5]]
    assert PLAIN.columns([(torch.zeros(2), torch.tensor(True))])[1]["label"].tolist() == [1]


def test_a_pass_finds_the_classes_the_ranges_and_the_targets():
    labels = [2, 0, 5, 2, 1, 0, 0]
    items = [(torch.tensor([k - 3.0, 2.0 * k]), label) for k, label in enumerate(labels)]
    count, schema, known = PLAIN.survey([items[:3], items[3:]])
    assert count == 7
    assert schema.input == Field((2,), value_range=(-3.0, 12.0))
    assert schema.target == Field((), categories=tuple("012345"))
    assert known["label"].tolist() == labels


def test_named_classes_are_kept_and_held_to():
    named = Collated(default_collate, classes=("cat", "dog"))
    _, schema, _ = named.survey([[(1.0, 1), (2.0, 0)]])
    assert schema.target == Field((), categories=("cat", "dog"))
    with pytest.raises(DataError, match=r"field label: expected integers from 0 to 1, one a category, got 2"):
        named.survey([[(1.0, 1), (2.0, 2)]])
    # classes are not what numbers are
    assert named.survey([[(1.0, 1.5), (2.0, 0.5)]])[1].target == Field((1,), names=("target",))


def test_every_entry_of_a_target_may_be_a_class():
    items = [(torch.zeros(3), torch.tensor([0, 4, -1])), (torch.zeros(3), torch.tensor([1, 1, 2]))]
    _, schema, known = PLAIN.survey([items])
    assert schema.target == Field((3,), categories=tuple("01234"))
    assert known["label"].shape == (2, 3)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (list(range(60)), r"field label: .* got 60 different ones in 60 examples; give floats .* attribute `classes`"),
        ([0, 1, -100], r"field label: expected integers from 0 to 1, one a category, got -100"),
    ],
)
def test_integers_that_are_no_classes(labels, message):
    with pytest.raises(DataError, match=message):
        PLAIN.survey([[(1.0, label) for label in labels]])


def test_sizes_that_differ_vary():
    items = [(torch.ones(length, 2), length % 2) for length in (3, 1, 2, 2)]
    collated = Collated(padded)
    _, schema, _ = collated.survey([items[:2], items[2:]])
    assert fields(schema) == {
        "input_0": ((None, 2), (), ()),
        "input_1": ((), (), ()),
        "label": ((), ("0", "1"), ()),
    }
    assert schema.input.axis == "input_0_length"
    batch = collated.batch(items[1:3], schema, schema, torch.tensor([1, 2]), CPU)
    assert batch.x.shape == (2, 2, 2)
    assert batch.inputs[1].tolist() == [1, 2]


def test_a_batch_under_another_schema():
    items = [(torch.tensor([1.0, 2.0]), 1), (torch.tensor([3.0, 6.0]), 0)]
    raw = PLAIN.survey([items])[1]
    learned = Schema(
        {"x": Field((2,), mean=(1.0, 2.0), std=(2.0, 4.0))}, {"kind": Field((), categories=("1", "2", "0"))}
    )
    batch = PLAIN.batch(items, raw, learned, torch.tensor([8, 9]), CPU)
    assert batch.x.tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert batch.labels.tolist() == [0, 2]
    assert (batch.names, batch.index.tolist(), batch.size) == (("x", "kind"), [8, 9], 2)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            [(torch.zeros(2), 0), (torch.zeros(3), 0)],
            r"got items of type tuple that cannot \(RuntimeError: stack expects",
        ),
        ([(object(), 0)], r"got items of type tuple that cannot \(TypeError: default_collate"),
        ([("cat", 0)], "got type tuple as input of 1 items"),
        ([("cat", "x", 0)], "got type tuple as input_0 of 1 items"),
        ([(torch.zeros(2), "dog")], "got type tuple as target of 1 items"),
        ([(torch.zeros(2), {"boxes": torch.zeros(4)})], "got type dict as target of 1 items"),
        ([()], "got items without anything in them"),
        ([None], r"got items of type NoneType that cannot \(TypeError"),
    ],
)
def test_items_that_make_no_batch(items, message):
    expected = "data: expected items that make a batch of tensors, one row an item, "
    with pytest.raises(DataError, match=expected + message + ".*; give items of numbers or tensors of one size, or a"):
        PLAIN.schema(items)


def test_collate_functions_that_do_not_keep_a_row_an_item():
    items = [(torch.ones(2), 0), (torch.ones(3), 1)]
    joined = Collated(lambda items: (torch.cat([x for x, _ in items]), torch.tensor([y for _, y in items])))
    with pytest.raises(DataError, match=r"got a tensor of shape \(5,\) as input of 2 items"):
        joined.schema(items)
    folded = Collated(lambda items: (torch.ones(len(items), *[1] * len(items)), torch.zeros(len(items))))
    with pytest.raises(DataError, match="got items that look like input, target and features, target; give"):
        folded.schema(items)
    with pytest.raises(DataError, match="got items that look like features, target and features, label; give"):
        PLAIN.schema([(torch.ones(2), 0.5), (torch.ones(2), 1)])


def test_later_items_that_look_otherwise_are_named():
    schema = PLAIN.survey([[(torch.zeros(2), 0), (torch.zeros(2), 1)]])[1]
    for item, message in [
        ((torch.zeros(3), 1), "field features: expected 2 as in the first items, got 3; give a collate_fn that pads"),
        ((torch.zeros(2), 2), "field label: expected integers from 0 to 1, one a category, got 2"),
        ((torch.zeros(2), 0.5), "field label: expected one as in the first items, got only features, target"),
        ((torch.zeros(2, 2), 1), "field features: expected 2 as in the first items, got only input, label"),
    ]:
        with pytest.raises(DataError, match=message):
            PLAIN.batch([item], schema, schema, torch.tensor([0]), CPU)


def test_no_items():
    with pytest.raises(DataError, match="data: expected at least one example, got an empty data set"):
        PLAIN.survey([])
