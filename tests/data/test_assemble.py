import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.assemble import assemble
from neurarium.data.ragged import Ragged
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

TABLE = torch.from_numpy(np.random.default_rng(0).normal(5, 3, (100, 2)))
TARGETS = torch.arange(100) % 2


def classes(rows, targets, names=("a", "b")):
    schema = Schema({"features": Field((2,))}, {"label": Field((), categories=names)})
    return Table((rows,), (targets,), schema)


def test_missing_parts_are_held_out_and_all_share_the_scaling_of_training():
    train, test = classes(TABLE[:80], TARGETS[:80]), classes(TABLE[80:], TARGETS[80:])
    data = assemble("toy", {"train": train, "test": test}, provenance="made up")
    assert data.counts() == {"train": 72, "validation": 8, "test": 20}
    assert data.provenance == "made up; validation held out from training examples, stratified, fixed seed"
    learned, field = data.train.inputs[0].numpy(), data.schema.input
    np.testing.assert_allclose(field.mean, learned.mean(axis=0), rtol=1e-12)
    assert field.value_range == (learned.min(), learned.max())
    assert data.schema == data.train.schema == data.validation.schema == data.test.schema
    expected = (TABLE[80:].numpy() - learned.mean(axis=0)) / learned.std(axis=0)
    np.testing.assert_allclose(data.test.gather(torch.arange(20)).x, expected, rtol=1e-5)


def test_the_size_of_validation_may_be_given():
    data = assemble("toy", {"train": classes(TABLE, TARGETS)}, provenance="", validation=30)
    assert data.counts() == {"train": 60, "validation": 30, "test": 10}


def test_numbers_may_stay_as_they_are():
    data = assemble("toy", {"train": classes(TABLE, TARGETS)}, provenance="", standardize=False)
    assert not data.schema.input.standardized
    assert torch.equal(data.train.gather(torch.arange(80)).x, data.train.inputs[0].float())


def test_constants_that_a_field_has_already_stay():
    field = Field((2,), mean=(1.0, 2.0), std=(3.0, 4.0), value_range=(-9.0, 9.0))
    schema = Schema({"features": field}, {"label": Field((), categories=("a", "b"))})
    data = assemble("toy", {"train": Table((TABLE,), (TARGETS,), schema)}, provenance="")
    assert data.schema.input == field


def test_bytes_may_hold_anything_from_0_to_255():
    pixels = torch.arange(60, dtype=torch.uint8).view(10, 2, 3, 1)
    schema = Schema({"image": Field((2, 3, 1))}, {"label": Field((), categories=("a", "b"))})
    data = assemble("toy", {"train": Table((pixels,), (TARGETS[:10],), schema)}, provenance="")
    assert data.schema.input.value_range == (0, 255)
    assert data.schema.input.mean == pytest.approx(data.train.inputs[0].double().mean((0, 2, 3)).tolist())


def test_what_cannot_be_learned_from_is_refused_by_name():
    with pytest.raises(DataError, match=r"toy: .* none of 'c'"):
        assemble("toy", {"train": classes(TABLE, TARGETS, ("a", "b", "c"))}, provenance="")
    with pytest.raises(DataError, match=r"toy\.csv: .* empty data set"):
        assemble("t", {"train": classes(TABLE[:0], TARGETS[:0])}, provenance="", subject="toy.csv")


def test_examples_without_targets_are_divided_too():
    bare = Table((TABLE,), (), Schema({"features": Field((2,))}))
    data = assemble("toy", {"train": bare}, provenance="made up")
    assert data.counts() == {"train": 80, "validation": 10, "test": 10}
    assert data.provenance.endswith("training examples, fixed seed")
    assert data.train.gather(torch.tensor([0])).targets == ()


PRICES = np.random.default_rng(1).normal([2e5, -3.0], [3e4, 0.01], (100, 2))
PRICED = Schema({"features": Field((1,))}, {"target": Field((2,), names=("price", "depth"))})


def table(rows, numbers):
    rows = rows[:, :1]
    return Table((rows,), (torch.as_tensor(numbers),), PRICED)


def numbers(parts, **options):
    return assemble("toy", parts, provenance="made up", **options)


def test_numbers_are_standardized_by_those_of_training_alone():
    examples = table(torch.arange(100.0)[:, None], PRICES)
    data = numbers({"train": examples})
    assert data.schema.classes == ("price", "depth")
    assert data.counts() == {"train": 80, "validation": 10, "test": 10}
    assert data.provenance == "made up; validation and test held out from training examples, fixed seed"
    learned, target = PRICES[data.train.inputs[0][:, 0].long()], data.schema.target
    np.testing.assert_allclose(target.mean, learned.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(target.std, learned.std(axis=0), rtol=1e-9)
    for part in data.parts().values():
        assert part.target("target").dtype == torch.float32
        expected = (PRICES[part.inputs[0][:, 0].long()] - learned.mean(axis=0)) / learned.std(axis=0)
        np.testing.assert_allclose(part.target("target"), expected, rtol=1e-5, atol=1e-6)
    rows = torch.cat([part.inputs[0][:, 0] for part in data.parts().values()])
    assert torch.equal(rows.sort().values, torch.arange(100.0))
    assert numbers({"train": examples}).fingerprint() == data.fingerprint()


def test_parts_of_numbers_that_are_there_stay():
    train, test = (table(TABLE[part], PRICES[part]) for part in (slice(80), slice(80, 100)))
    data = numbers({"train": train, "test": test}, validation=20)
    assert data.counts() == {"train": 60, "validation": 20, "test": 20}
    assert torch.equal(data.test.inputs[0], TABLE[80:, :1])


def test_an_empty_test_part_of_numbers_is_one():
    data = numbers({"train": table(TABLE, PRICES), "validation": table(TABLE[:0], PRICES[:0])})
    assert data.counts() == {"train": 90, "validation": 0, "test": 10}


def test_numbers_that_cannot_be_learned_are_refused_by_name():
    gap = PRICES.copy()
    gap[7, 1] = np.nan
    parts = {"train": table(TABLE, PRICES), "test": table(TABLE, gap)}
    with pytest.raises(DataError, match=r"t\.csv, test, depth, row 7 .* got nan"):
        numbers(parts, subject="t.csv")
    with pytest.raises(DataError, match=r"toy, depth, row 7 .* got nan"):
        numbers({"train": parts["test"]})
    constant = torch.tensor([[1.0, 5.0]]).repeat(100, 1)
    constant[:, 0] = torch.arange(100)
    with pytest.raises(DataError, match=r"toy, depth: .* got 5 for all of them"):
        numbers({"train": table(TABLE, constant)})
    with pytest.raises(DataError, match="toy: expected at least one example"):
        numbers({"train": table(TABLE[:0], constant[:0])})


def test_what_differs_in_held_out_examples_alone_is_refused():
    whole = numbers({"train": table(torch.arange(100.0)[:, None], PRICES)})
    targets = torch.arange(200.0).view(100, 2)
    targets[:, 1] = 5
    targets[int(whole.test.inputs[0][0, 0]), 1] = 6
    with pytest.raises(DataError, match=r"toy, depth: .* got 5 for all of them"):
        numbers({"train": table(TABLE, targets)})


def test_ragged_numbers_are_standardized_over_all_their_rows():
    random = np.random.default_rng(2)
    lengths = random.integers(1, 6, 50)
    rows, answers = random.normal(3, 2, (lengths.sum(), 2)), random.normal(-7, 5, (lengths.sum(), 3))
    schema = Schema({"x": Field((None, 2), axis="time")}, {"force": Field((None, 3), axis="time")})
    columns = {"x": torch.from_numpy(rows), "force": torch.from_numpy(answers)}
    whole = Ragged(columns, {"time": torch.from_numpy(lengths)}, schema)
    data = numbers({"train": whole, "test": whole, "validation": whole})
    np.testing.assert_allclose(data.schema.input.mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(data.schema.target.std, answers.std(0), rtol=1e-12)
    expected = (answers - answers.mean(0)) / answers.std(0)
    np.testing.assert_allclose(data.test.target("force"), expected, rtol=1e-5, atol=1e-6)
    answers[4, 1] = np.inf
    columns["force"] = torch.from_numpy(answers)
    with pytest.raises(DataError, match=r"toy, force\[1\], row 4 .* got inf"):
        numbers({"train": Ragged(columns, whole.lengths, schema)})


@pytest.mark.parametrize(
    ("targets", "names", "message"),
    [
        ([], ("cat",), "toy: expected at least one example"),
        ([0, 0], ("cat",), "toy: expected two classes or more, got only 'cat'"),
        ([0, 2], ("cat", "cow", "dog", "elk"), "toy: .* got an empty class: none of 'cow', 'elk'; add training"),
    ],
)
def test_nothing_to_learn(targets, names, message):
    examples = classes(TABLE[: len(targets)], torch.tensor(targets, dtype=torch.int64), names)
    with pytest.raises(DataError, match=message):
        assemble("toy", {"train": examples}, provenance="")
