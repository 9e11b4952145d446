import itertools

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.data.batches import batch_count, in_order, mix, permutation, shuffled
from neurarium.data.examples import Dense, Ragged

TEN = Dense(torch.arange(10.0)[:, None], torch.arange(10))


def seen(**where):
    return [batch.targets.tolist() for batch in shuffled(TEN, 4, **{"seed": 3, "epoch": 0} | where)]


@pytest.mark.parametrize(("n", "size", "count"), [(10, 4, 3), (8, 4, 2), (1, 4, 1), (0, 4, 0)])
def test_batch_count(n, size, count):
    assert batch_count(n, size) == count
    assert len(list(in_order(Dense(torch.zeros(n, 1), torch.zeros(n)), size))) == count


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
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("skip", [0, 1, 2, 3, 4])
def test_skipped_batches_are_left_out_without_touching_their_data(skip):
    touched = []

    class Watched(Dense):
        def gather(self, index):
            touched.extend(index.tolist())
            return super().gather(index)

    rest = [b.targets.tolist() for b in shuffled(Watched(TEN.inputs, TEN.targets), 4, seed=3, epoch=0, skip=skip)]
    assert rest == seen()[skip:]
    assert touched == list(itertools.chain(*rest))


def test_in_order_keeps_the_order():
    assert [batch.targets.tolist() for batch in in_order(TEN, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_ragged_examples_are_shuffled_by_the_same_order():
    ragged = Ragged(torch.arange(20.0), torch.full((10,), 2), torch.arange(10))
    assert [batch.targets.tolist() for batch in shuffled(ragged, 4, seed=3, epoch=0)] == seen()


def test_mix_is_the_published_splitmix64():
    # First outputs of the reference generator for the states 0 and 1234567; mix(0, e) takes state s(0) + e.
    from_0, from_1234567 = 0xE220A8397B1DCDAF, 6457827717110365317
    assert mix(0, -from_0) == from_0
    assert mix(0, 1234567 - from_0) == from_1234567


def test_seeds_of_any_size_are_taken():
    assert mix(2**64 + 5, 0) == mix(5, 0)
    assert len({mix(seed, epoch) for seed in range(-20, 20) for epoch in range(40)}) == 1600
    assert sorted(permutation(7, seed=-1, epoch=2**40).tolist()) == list(range(7))


def test_a_batch_holds_one_example_at_least():
    with pytest.raises(ConfigError, match="batch size: expected a whole number >= 1, got 0"):
        shuffled(TEN, 0, seed=0, epoch=0)
