from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data import fashion_mnist
from neurarium.data.dataset import Dataset


@pytest.mark.parametrize(("features", "steps"), [(28, 28), (1, 784)])
def test_images_as_series_are_their_pixels_in_order(images: Dataset, features: int, steps: int) -> None:
    series = fashion_mnist.as_series(images, features, "toy-series", "somehow")
    assert series.counts() == images.counts()
    assert series.schema.input.shape == (None, features)
    assert series.schema.classes == images.schema.classes
    assert "somehow" in series.provenance
    index = torch.tensor([3, 0])
    batch, whole = series.test.gather(index), images.test.gather(index)
    assert batch.inputs[1].tolist() == [steps, steps]
    # what a net of images sees, row by row
    np.testing.assert_allclose(batch.x.numpy(), whole.x.numpy().reshape(2, steps, features))
    assert torch.equal(batch.labels, whole.labels)
    assert next(iter(series.train.pieces("series"))).dtype == torch.uint8


@pytest.mark.parametrize("load", [fashion_mnist.load_rows, fashion_mnist.load_pixels])
def test_says_where_the_files_are_missing(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        load(str(tmp_path))
