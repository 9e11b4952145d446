import hashlib
import math
from fractions import Fraction
from importlib.resources import files

import numpy as np
import pytest
import torch

from neurarium.data import mnist_5k

EMBEDDED = files("neurarium.data") / "embedded"


def test_the_digits_are_those_of_the_source():
    # Digests taken from the source's table of text with the standard library alone.
    with EMBEDDED.joinpath("mnist_5k.npz").open("rb") as file, np.load(file) as stored:
        images, labels = stored["images"], stored["labels"]
    assert (images.shape, images.dtype, labels.dtype) == ((5000, 28, 28), np.uint8, np.uint8)
    assert hashlib.sha256(images.tobytes()).hexdigest() == (
        "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f"
    )
    assert hashlib.sha256(labels.tobytes()).hexdigest() == (
        "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d"
    )


def test_source_and_license_lie_beside_the_digits():
    text = EMBEDDED.joinpath("mnist_5k.LICENSE.md").read_text()
    assert "LeCun" in text
    assert "Attribution-ShareAlike 3.0" in text


def test_the_split_is_balanced_and_complete():
    data = mnist_5k.load()
    parts = data.parts().values()
    counts = [torch.bincount(part.target("label")).tolist() for part in parts]
    assert counts == [[400] * 10, [50] * 10, [50] * 10]
    assert (data.schema.input.shape, data.schema.classes) == ((1, 28, 28), tuple("0123456789"))
    assert data.schema.input.value_range == (0, 255)
    total = sum(int(part.inputs[0].sum()) for part in parts)
    assert total == 131267102  # the sum of all pixels of the source's table
    train, image = data.train.inputs[0].long(), data.schema.input
    mean, square = (Fraction(int(x.sum()), train.numel()) for x in (train, train.square()))
    assert image.mean[0] == pytest.approx(float(mean), rel=1e-13)
    assert image.std[0] == pytest.approx(math.sqrt(square - mean**2), rel=1e-13)


def test_the_split_never_changes():
    # Taken down once: scores on the test split are comparable only while it stays.
    assert mnist_5k.load().fingerprint() == "e598359a883c6411a13d9f1ade09c9d6f17c53b0bd55cb6f4bb80d4f75754c1f"


def test_fours_and_nines_are_those_of_the_whole_part_by_part():
    pair, whole = mnist_5k.load_four_nine(), mnist_5k.load()
    assert pair.counts() == {"train": 800, "validation": 100, "test": 100}
    assert pair.schema.classes == ("4", "9")
    for few, every in zip(pair.parts().values(), whole.parts().values(), strict=True):
        for number, digit in enumerate((4, 9)):
            chosen, all_ = few.target("label") == number, every.target("label") == digit
            assert torch.equal(few.inputs[0][chosen], every.inputs[0][all_])
    pixels = pair.train.inputs[0].double().numpy()
    assert pair.schema.input.mean[0] == pytest.approx(pixels.mean(), rel=1e-12)
