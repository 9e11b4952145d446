"""Fashion-MNIST: 70,000 images of clothes, in the files and sizes of MNIST, but harder; whole, or read as series."""

from dataclasses import replace
from pathlib import Path

import torch

from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.idx_pair import Named, load_named
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
FASHION_MNIST = Named(
    name="fashion-mnist",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    folders=("FashionMNIST", "FashionMNIST/raw"),
    system=Path("/usr/share/datasets/fashion-mnist"),
    classes=_CLOTHES,
    provenance="Fashion-MNIST, H. Xiao, K. Rasul, R. Vollgraf (Zalando), 2017",
    license="MIT",
)


def load(folder: str | None = None) -> Dataset:
    """Return Fashion-MNIST: 55,000 images to learn from, 5,000 for validation, 10,000 for the test.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", 2017.
    """
    return load_named(FASHION_MNIST, folder)


def load_rows(folder: str | None = None) -> Dataset:
    """Return Fashion-MNIST as series of 28 steps, each a row of an image, from top to bottom."""
    return as_series(load(folder), 28, "fashion-rows", "row by row")


def load_pixels(folder: str | None = None) -> Dataset:
    """Return Fashion-MNIST as series of 784 steps, each one pixel, row by row: a test of long memory."""
    return as_series(load(folder), 1, "fashion-pixels", "pixel by pixel")


def as_series(images: Dataset, features: int, name: str, how: str) -> Dataset:
    """Images of one channel in series of so many pixels a step, all by the mean and standard deviation of the images.

    Source: Q. V. Le, N. Jaitly, G. E. Hinton, "A simple way to initialize recurrent networks of rectified linear
    units", 2015 (there MNIST, pixel by pixel).
    """
    seen = images.schema.input
    field = Field(
        (None, features),
        mean=seen.mean * features,
        std=seen.std * features,
        value_range=seen.value_range,
        axis="time",
    )
    schema = Schema({"series": field}, images.schema.targets)
    train, validation, test = (_read(part, schema) for part in images.parts().values())
    provenance = f"{images.provenance}, read {how}"
    return replace(
        images, name=name, train=train, validation=validation, test=test, schema=schema, provenance=provenance
    )


def _read(part: Examples, schema: Schema) -> Ragged:
    pixels = torch.cat(list(part.pieces("image")))
    steps = pixels.reshape(-1, schema.input.channels)
    lengths = torch.full((len(part),), len(steps) // max(1, len(part)))
    return Ragged({"series": steps, "label": part.target("label")}, {"time": lengths}, schema)
