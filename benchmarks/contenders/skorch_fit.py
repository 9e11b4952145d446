"""skorch's NeuralNetClassifier over the textbook nets: `partial_fit`, an epoch at a time, no validation split.

Tuned: batches are gathered whole by an iterator of its own (`iterator_train`) instead of image by image,
weights lie channels-last, and Adam is fused.
"""

from collections.abc import Iterator

import torch
from images import Images
from protocol import BATCH, RATE, SEED, serve
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset
from textbook_nets import textbook_net
from torch import Tensor, nn
from torch_score import as_images, test_accuracy


class GatheredBatches:
    """Shuffled batches of a data set of two tensors, each gathered by one indexed copy."""

    def __init__(self, dataset: Dataset, batch_size: int) -> None:
        self.dataset, self.batch_size = dataset, batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for index in torch.randperm(len(self.dataset)).split(self.batch_size):
            yield self.dataset.X.index_select(0, index), self.dataset.y.index_select(0, index)


class SkorchFit:
    """Classifier and tensors."""

    def __init__(self, images: Images, net: str) -> None:
        torch.manual_seed(SEED)
        self.inputs, self.targets = as_images(images.scaled_train()), torch.from_numpy(images.train_targets)
        self.test, self.test_targets = as_images(images.scaled_test()), images.test_targets
        self.classifier = NeuralNetClassifier(
            textbook_net(net).to(memory_format=torch.channels_last),  # type: ignore[call-overload]
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=RATE,
            batch_size=BATCH,
            max_epochs=1,
            iterator_train=GatheredBatches,
            train_split=None,
            verbose=0,
        )
        self.classifier.initialize()

    def epoch(self) -> None:
        """One epoch of `partial_fit`."""
        self.classifier.partial_fit(self.inputs, self.targets)

    def accuracy(self) -> float:
        """On the test images."""
        return test_accuracy(self.classifier.module_, self.test, self.test_targets)


if __name__ == "__main__":
    serve(SkorchFit)
