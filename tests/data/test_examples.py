import numpy as np
import torch

from neurarium.data.examples import Dense, Examples, ExamplesOf, Ragged
from neurarium.data.scaling import Scaling


def test_dense_gathers_scaled_rows_in_the_order_asked_for():
    pixels = np.random.default_rng(0).integers(0, 256, (10, 2, 3, 3)).astype(np.uint8)
    examples = Dense(torch.from_numpy(pixels), torch.arange(10) * 11, Scaling((10.0, 20.0), (2.0, 4.0)))
    assert isinstance(examples, Examples)
    batch = examples.gather(torch.tensor([7, 0, 7]))
    mean, std = np.array([10, 20])[:, None, None], np.array([2, 4])[:, None, None]
    np.testing.assert_array_equal(batch.inputs, ((pixels[[7, 0, 7]] - mean) / std).astype(np.float32))
    assert batch.inputs.dtype == torch.float32
    assert batch.targets.tolist() == [77, 0, 77]


def test_dense_without_scaling_only_converts():
    batch = Dense(torch.tensor([[200], [3]], dtype=torch.uint8), torch.tensor([0, 1])).gather(torch.tensor([0]))
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.tolist() == [[200.0]]


def test_prepared_gives_the_same_bits_and_respects_the_limit():
    pixels = torch.randint(0, 256, (50, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    examples = Dense(pixels, torch.arange(50), Scaling((33.3,), (78.5,)))
    index = torch.tensor([3, 49, 0])
    prepared = examples.prepared()
    assert prepared.inputs.dtype == torch.float32
    assert torch.equal(prepared.gather(index).inputs, examples.gather(index).inputs)
    needed = 4 * 50 * 16
    assert examples.prepared(needed) is examples
    assert examples.prepared(needed + 1) is not examples


def test_select_keeps_scaling_and_pieces_cover_everything():
    examples = Dense(torch.arange(10.0)[:, None], torch.arange(10), Scaling((1.0,), (2.0,)))
    chosen = examples.select(torch.tensor([4, 2]))
    assert len(chosen) == 2
    assert chosen.gather(torch.tensor([1])).inputs.item() == 0.5
    assert [len(piece) for piece in examples.pieces(4)] == [4, 4, 2]
    assert torch.equal(torch.cat(list(examples.pieces(4))), examples.inputs)


def test_ragged_gathers_as_a_loop_would():
    lengths = [3, 0, 1, 4, 2]
    sequences = [np.random.default_rng(k).normal(size=(n, 2)) for k, n in enumerate(lengths)]
    examples = Ragged(torch.from_numpy(np.concatenate(sequences)), torch.tensor(lengths), torch.arange(5) * 10)
    assert isinstance(examples, ExamplesOf)
    for index in ([4, 0, 0, 1, 3], [1], []):
        batch = examples.gather(torch.tensor(index, dtype=torch.int64))
        expected = np.concatenate([np.empty((0, 2)), *(sequences[k] for k in index)])
        np.testing.assert_array_equal(batch.values, expected)
        assert batch.lengths.tolist() == [lengths[k] for k in index]
        assert batch.targets.tolist() == [10 * k for k in index]


def test_examples_move():
    dense = Dense(torch.ones(2, 1), torch.zeros(2)).to("meta")
    ragged = Ragged(torch.ones(2, 1), torch.tensor([2]), torch.zeros(1)).to("meta")
    assert dense.targets.device.type == ragged.targets.device.type == ragged.values.device.type == "meta"
