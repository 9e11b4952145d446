import itertools

import pytest
import torch
from torch.utils.data import IterableDataset, default_collate

from neurarium.checks import DataError
from neurarium.data.collated import Collated
from neurarium.data.iterated import Iterated
from neurarium.data.plan import grouped, in_order, plan
from neurarium.record.schema import Field, Schema

PLAIN = Collated(default_collate)


class Counting(IterableDataset):
    """Items 0, 1, ... up to `end`, or for ever; `length` is what it says."""

    def __init__(self, end=10, length=None):
        self.end, self.length, self.passes = end, length, 0

    def __iter__(self):
        self.passes += 1
        for k in itertools.count() if self.end is None else range(self.end):
            yield torch.tensor([float(k), -float(k)]), k % 3

    def __len__(self):
        if self.length is None:
            raise NotImplementedError
        return self.length


def test_one_pass_counts_and_looks():
    data = Counting()
    iterated = Iterated.over(data, PLAIN)
    assert data.passes == 1
    assert len(iterated) == 10
    assert iterated.schema.input == Field((2,), value_range=(-9.0, 9.0))
    assert iterated.schema.target == Field((), categories=("0", "1", "2"))
    assert iterated.target("label").tolist() == [k % 3 for k in range(10)]
    assert iterated.sizes().tolist() == [1] * 10


def test_batches_hold_what_comes_as_many_as_are_asked_for():
    iterated = Iterated.over(Counting(), PLAIN)
    order = plan(10, 4, seed=3, epoch=1)
    for _ in range(2):  # every epoch begins anew
        groups = list(grouped(iterated, order, 2))
        assert [[len(part) for part in group] for group in groups] == [[2, 2], [2, 2], [1, 1]]
        assert torch.cat([part.x[:, 0] for group in groups for part in group]).tolist() == list(range(10))
        assert torch.equal(torch.cat([part.index for group in groups for part in group]), torch.cat(order))
    assert torch.cat([batch.labels for batch in in_order(iterated, 7)]).tolist() == [k % 3 for k in range(10)]
    assert torch.cat(list(iterated.pieces("features")))[:, 0].tolist() == list(range(10))


def test_nothing_is_fetched_by_its_number():
    iterated = Iterated.over(Counting(), PLAIN)
    for call in (iterated.gather, iterated.select):
        with pytest.raises(
            DataError, match=r"expected examples that can be fetched by their numbers, got an iterable .*"
        ):
            call(torch.tensor([0]))


@pytest.mark.parametrize("end", [None, 25])
def test_a_length_makes_an_epoch_of_an_endless_data_set(end):
    iterated = Iterated.over(Counting(end, 20), PLAIN)
    assert len(iterated) == 20
    assert torch.cat([batch.x[:, 0] for batch in in_order(iterated, 8)]).tolist() == list(range(20))
    assert len(torch.cat(list(iterated.pieces("features")))) == 20


def test_without_a_length_counting_ends_somewhere():
    with pytest.raises(DataError, match="that ends within 300 examples, or has a length, got more; give it a method"):
        Iterated.over(Counting(None), PLAIN, limit=300)
    assert len(Iterated.over(Counting(300), PLAIN, limit=300)) == 300
    with pytest.raises(DataError, match="that ends within 300 examples"):
        Iterated.over(Counting(301), PLAIN, limit=300)


def test_items_that_end_early_are_missed():
    once = iter([(torch.ones(2), 0), (torch.ones(2), 1)])
    spent = Iterated.over(once, PLAIN)  # a generator cannot begin anew
    with pytest.raises(
        DataError, match="data: expected 2 examples, as many as at first, got only 0; let __iter__ begin"
    ):
        list(in_order(spent, 2))


def test_an_empty_data_set():
    with pytest.raises(DataError, match="data: expected at least one example"):
        Iterated.over(Counting(0), PLAIN)


def test_another_schema_scales_and_numbers_anew():
    learned = Schema({"x": Field((2,), mean=(1.0, 1.0), std=(2.0, 2.0))}, {"y": Field((), categories=tuple("210"))})
    seen = Iterated.over(Counting(), PLAIN).with_schema(learned)
    batch = next(in_order(seen, 4))
    assert batch.x[3].tolist() == [1.0, -2.0]
    assert batch.labels.tolist() == [2, 1, 0, 2]
    assert seen.target("y")[:4].tolist() == [2, 1, 0, 2]
    assert len(torch.cat(list(seen.pieces("x")))) == 10


def test_fingerprints_are_taken_over_the_targets():
    one, other = (list(Iterated.over(Counting(end), PLAIN).chunks()) for end in (10, 11))
    assert [len(piece) for piece in one] == [10]
    assert [len(piece) for piece in other] == [11]


def test_to_moves_what_is_handed_over():
    schema = Schema({"x": Field((2,))})
    moved = Iterated.over([(torch.ones(2),)] * 3, PLAIN).with_schema(schema).to("meta")
    assert next(in_order(moved, 2)).x.device.type == "meta"
    assert moved.device.type == "cpu"
