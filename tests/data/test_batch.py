import torch

from neurarium.data.batch import Batch

BATCH = Batch((torch.ones(3, 2), torch.tensor([1, 2, 2])), (torch.tensor([0, 1, 2]),), 3, torch.tensor([7, 5, 6]))


def test_a_batch_has_a_size_whatever_its_tensors():
    assert len(BATCH) == 3
    assert len(Batch((torch.ones(8, 2),), (), 3)) == 3


def test_the_first_input_and_target_have_names():
    assert BATCH.x is BATCH.inputs[0]
    assert BATCH.labels is BATCH.targets[0]


def test_a_batch_moves_whole_and_leaves_the_index():
    moved = Batch(BATCH.inputs, BATCH.targets, 3, BATCH.index).to("meta")
    assert {tensor.device.type for tensor in (*moved.inputs, *moved.targets)} == {"meta"}
    assert moved.index.device.type == "cpu"
    assert BATCH.to(torch.device("cpu")) is BATCH


def test_map_reaches_every_tensor():
    doubled = Batch(BATCH.inputs, BATCH.targets, 3).map(lambda tensor: 2 * tensor)
    assert doubled.inputs[1].tolist() == [2, 4, 4]
    assert doubled.labels.tolist() == [0, 2, 4]
