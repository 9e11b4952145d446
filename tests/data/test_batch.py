import torch

from neurarium.data.batch import Batch, RaggedBatch


def test_batch_has_a_length_and_moves():
    batch = Batch(torch.ones(3, 2), torch.tensor([0, 1, 2]))
    assert len(batch) == 3
    moved = batch.to("meta")
    assert moved.inputs.device.type == moved.targets.device.type == "meta"


def test_ragged_batch_pads_with_zeros_behind_each_example():
    values = torch.arange(1.0, 13.0).reshape(6, 2)
    batch = RaggedBatch(values, torch.tensor([2, 0, 3, 1]), torch.tensor([5, 6, 7, 8]))
    assert len(batch) == 4
    assert batch.offsets.tolist() == [0, 2, 2, 5]
    padded, mask = batch.padded()
    zero = [0.0, 0.0]
    assert padded.tolist() == [
        [[1, 2], [3, 4], zero],
        [zero, zero, zero],
        [[5, 6], [7, 8], [9, 10]],
        [[11, 12], zero, zero],
    ]
    assert mask.int().tolist() == [[1, 1, 0], [0, 0, 0], [1, 1, 1], [1, 0, 0]]
    assert torch.equal(batch.inputs.values, padded)


def test_padding_passes_the_gradient_to_the_values():
    values = torch.ones(3, requires_grad=True)
    padded, _ = RaggedBatch(values, torch.tensor([1, 2]), torch.tensor([0, 0])).padded()
    (padded * torch.tensor([[2.0, 9.0], [3.0, 4.0]])).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [2, 3, 4]


def test_ragged_batch_moves_and_may_be_empty():
    empty = RaggedBatch(torch.empty(0, 2), torch.empty(0, dtype=torch.int64), torch.empty(0))
    assert empty.padded().values.shape == (0, 0, 2)
    moved = empty.to("meta")
    assert moved.values.device.type == moved.lengths.device.type == moved.targets.device.type == "meta"
