"""neurarium's own trainer, in memory, with all it does by default.

That is, beyond a bare loop: training error, gradient norm and a look whether loss and gradient are finite before every
update, an event for every step and epoch, a copy of the best weights. By default it measures a validation set after
every epoch too; here that set is empty, since the others measure none.
"""

import torch
from images import SIDE, Images
from protocol import BATCH, RATE, SEED, serve
from torch_score import as_images, test_accuracy

from neurarium.data.arrays import input_fields
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.fashion_mnist import FASHION_MNIST
from neurarium.data.labels import class_fields
from neurarium.data.table import Table
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.catalog import NETS
from neurarium.record.events import EpochEnded
from neurarium.record.schema import Schema
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session

ENDLESS = 1_000_000


class NeurariumTrainer:
    """A session and the stream of its events."""

    def __init__(self, images: Images, net: str) -> None:
        dataset = as_dataset(images)
        recipe = Recipe(
            name=net,
            net=NETS[net](),
            data=dataset.name,
            optimizer=Optimizer("adam", lr=RATE),
            epochs=ENDLESS,
            batch_size=BATCH,
            seed=SEED,
            device="cpu",
        )
        session = build_session(recipe, dataset)
        self.net, self.matrix_products = session.net, session.recipe.matrix_products
        self.events = session.events()
        self.test, self.test_targets = as_images(images.scaled_test()), images.test_targets

    def epoch(self) -> None:
        """Consume events until an epoch has ended."""
        next(event for event in self.events if isinstance(event, EpochEnded))

    def accuracy(self) -> float:
        """On the test images."""
        return test_accuracy(self.net, self.test, self.test_targets)


def as_dataset(images: Images) -> Dataset:
    """Make a data set without validation examples: the training images are all learned from."""
    schema = Schema(input_fields((1, SIDE, SIDE)), class_fields(FASHION_MNIST.classes))
    train = Table((as_images(images.train),), (torch.from_numpy(images.train_targets),), schema)
    nothing = train.select(torch.arange(0))
    return assemble(
        FASHION_MNIST.name,
        {"train": train, "validation": nothing, "test": nothing},
        provenance=FASHION_MNIST.provenance,
    )


if __name__ == "__main__":
    serve(NeurariumTrainer)
