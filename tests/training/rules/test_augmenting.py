import torch

from neurarium.data.batch import Batch
from neurarium.learning.augmentation import Augmentation
from neurarium.record.schema import Field, Schema
from neurarium.training.rules.descent import augmented

from .setups import batch_of, classes, numbers


def test_inputs_and_targets_are_those_of_the_augmentation() -> None:
    augmentation, x = Augmentation(noise=0.1, mixup=0.5), torch.randn(8, 4)
    for schema, targets in ((classes((4,), 3), torch.arange(8) % 3), (numbers((4,), 2), torch.randn(8, 2))):
        batch = batch_of(x, targets)
        torch.manual_seed(0)
        got = augmented(batch, augmentation, schema)
        torch.manual_seed(0)
        inputs, mixed = augmentation.apply(x, targets, 3)
        assert torch.equal(got.x, inputs)
        assert torch.equal(got.labels, mixed)
        assert got.size == 8
        assert torch.equal(batch.x, x)


def test_without_targets_the_same_numbers_are_drawn() -> None:
    augmentation, x = Augmentation(mixup=0.5), torch.randn(8, 4)
    torch.manual_seed(0)
    labeled = augmented(batch_of(x), augmentation, classes((4,), 3))
    torch.manual_seed(0)
    bare = augmented(Batch((x,), (), 8), augmentation, Schema({"x": Field((4,))}))
    assert bare.targets == ()
    assert torch.equal(bare.x, labeled.x)
