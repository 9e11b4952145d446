import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.checks import ConfigError
from neurarium.data.plan import batch_count, grouped, in_order, mix, permutation, plan
from neurarium.data.ragged import Ragged
from neurarium.data.stream import Streamed
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

SCHEMA = Schema({"x": Field((1,))}, {"y": Field((1,))})


def table(n):
    return Table((torch.arange(float(n))[:, None],), (torch.arange(float(n))[:, None],), SCHEMA)


TEN = table(10)


def seen(sizes=10, batch_size=4, max_units=None, **where):
    return [index.tolist() for index in plan(sizes, batch_size, max_units, **{"seed": 3, "epoch": 1} | where)]


@pytest.mark.parametrize(("n", "size", "count"), [(10, 4, 3), (8, 4, 2), (1, 4, 1), (0, 4, 0)])
def test_batch_count(n, size, count):
    assert batch_count(n, size) == count
    assert len(list(in_order(table(n), size))) == count
    assert len(plan(n, size, seed=0, epoch=0)) == count


def test_an_epoch_sees_every_example_once_and_keeps_the_last_smaller_batch():
    batches = seen()
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(itertools.chain(*batches)) == list(range(10))


def test_the_order_depends_on_seed_and_epoch_alone():
    torch.manual_seed(1)
    first = seen()
    torch.manual_seed(2)
    assert seen() == first
    assert len({str(seen(seed=s, epoch=e)) for s in range(5) for e in range(5)}) == 25


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    seen()
    seen(torch.arange(1, 11), 4, 20)
    assert torch.equal(torch.get_rng_state(), before)


def test_equal_sizes_change_nothing_where_there_is_no_limit():
    assert seen(torch.ones(10, dtype=torch.int64)) == seen()


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=60),
    batch_size=st.integers(1, 9),
    spare=st.integers(0, 60),
    seed=st.integers(-(2**63), 2**63),
    epoch=st.integers(0, 1000),
)
def test_no_batch_holds_more_than_its_limit(sizes, batch_size, spare, seed, epoch):
    lengths, limit = torch.tensor(sizes), max(sizes) + spare
    batches = seen(lengths, batch_size, limit, seed=seed, epoch=epoch)
    assert sorted(itertools.chain(*batches)) == list(range(len(sizes)))
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        assert max(sizes[k] for k in batch) * len(batch) <= limit
    # how many there are follows from the sizes alone, so that steps can be counted beforehand
    assert len(batches) == len(seen(lengths, batch_size, limit, seed=seed + 1, epoch=epoch + 1))
    assert batches == seen(lengths, batch_size, limit, seed=seed, epoch=epoch)
    # ... and is that of a plain walk over the sorted lengths
    count = begun = 0
    for place, size in enumerate(sorted(sizes)):
        if place == begun or place - begun == batch_size or size * (place - begun + 1) > limit:
            count, begun = count + 1, place
    assert len(batches) == count


def test_a_batch_may_hold_as_much_as_its_limit():
    batches = seen(torch.tensor([2, 3, 2, 2, 3, 6]), 9, 6)
    assert sorted(map(sorted, batches)) == [[0, 2, 3], [1, 4], [5]]


def test_batches_by_length_hold_neighbors_and_come_in_another_order_every_epoch():
    sizes = torch.arange(1, 41).repeat_interleave(3)
    batches = seen(sizes, 6, 240)
    ranges = sorted((int(sizes[batch].min()), int(sizes[batch].max())) for batch in batches)
    assert all(high <= low for (_, high), (low, _) in itertools.pairwise(ranges))
    orders = {str([int(sizes[batch].max()) for batch in seen(sizes, 6, 240, epoch=epoch)]) for epoch in range(5)}
    assert len(orders) == 5
    assert [int(sizes[batch].max()) for batch in batches] != sorted(int(sizes[batch].max()) for batch in batches)
    # of equal lengths any may share a batch
    assert len({str(sorted(map(sorted, seen(sizes, 4, 240, epoch=epoch)))) for epoch in range(5)}) == 5


def test_no_examples_make_no_batches():
    assert seen(torch.empty(0, dtype=torch.int64), 4, 5) == seen(0) == []


def test_an_example_longer_than_the_limit_is_refused():
    with pytest.raises(ConfigError, match="max_units: expected at least 9, the longest example, got 8"):
        seen(torch.tensor([3, 9]), 4, 8)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_grouped_cuts_the_index_of_every_batch(parts):
    order = plan(10, 4, seed=3, epoch=1)
    groups = list(grouped(TEN, order, parts))
    assert len(groups) == 3
    for index, group in zip(order, groups, strict=True):
        assert torch.equal(torch.cat([part.x[:, 0] for part in group]).long(), index)
        assert torch.equal(torch.cat([part.index for part in group]), index)
        size = math.ceil(len(index) / parts)
        assert [len(part) for part in group[:-1]] == [size] * (len(group) - 1)
        assert 1 <= len(group[-1]) <= size


def test_the_numbers_of_the_examples_stay_on_the_cpu():
    order = plan(10, 4, seed=3, epoch=1)
    for index, group in zip(order, grouped(TEN.to("meta"), order, 2), strict=True):
        assert {part.x.device.type for part in group} == {"meta"}
        assert torch.equal(torch.cat([part.index for part in group]), index)


def test_what_is_left_out_is_not_touched():
    touched = []

    class Watched(Table):
        def gather(self, index):
            touched.extend(index.tolist())
            return super().gather(index)

    order = plan(10, 4, seed=3, epoch=1)
    list(grouped(Watched(TEN.inputs, TEN.targets, SCHEMA), order[1:]))
    assert touched == torch.cat(order[1:]).tolist()


def test_grouped_reads_ahead_and_gives_what_gathering_gives():
    rows = torch.arange(10.0)[:, None]
    streamed = Streamed.over(rows.numpy(), rows, SCHEMA)
    order = plan(10, 4, seed=3, epoch=1)
    for one, other in zip(grouped(streamed, order, 2), grouped(TEN, order, 2), strict=True):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a.x, b.x)
            assert torch.equal(a.labels, b.labels)
            assert torch.equal(a.index, b.index)


def test_in_order_keeps_the_order():
    assert [batch.x[:, 0].tolist() for batch in in_order(TEN, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_ragged_examples_are_planned_by_the_same_order():
    schema = Schema({"x": Field((None,), axis="time")}, {"y": Field((1,))})
    columns = {"x": torch.arange(20.0), "y": TEN.targets[0]}
    ragged = Ragged(columns, {"time": torch.full((10,), 2)}, schema)
    order = plan(ragged.sizes(), 4, seed=3, epoch=1)
    assert [index.tolist() for index in order] == seen()
    assert [part.labels[:, 0].tolist() for (part,) in grouped(ragged, order)] == seen()


def test_mix_is_the_published_splitmix64():
    # First outputs of the reference generator for the states 0 and 1234567; mix(0, e) takes state s(0) + e.
    from_0, from_1234567 = 0xE220A8397B1DCDAF, 6457827717110365317
    assert mix(0) == mix(0, -from_0) == from_0
    assert mix(1234567) == mix(0, 1234567 - from_0) == from_1234567
    assert mix(0, -from_0, 1234567 - from_0) == from_1234567


def test_seeds_of_any_size_are_taken():
    assert mix(2**64 + 5, 0) == mix(5, 0)
    assert len({mix(seed, epoch) for seed in range(-20, 20) for epoch in range(40)}) == 1600
    assert len({mix(1, 2), mix(1, 2, 0), mix(1, 2, 1), mix(2, 1)}) == 4
    assert sorted(permutation(7, seed=-1, epoch=2**40).tolist()) == list(range(7))


def test_a_batch_holds_one_example_at_least():
    for call in (lambda: in_order(TEN, 0), lambda: seen(batch_size=0), lambda: seen(torch.arange(1, 4), 0, 9)):
        with pytest.raises(ConfigError, match="batch size: expected an integer >= 1, got 0"):
            call()
