from importlib.resources import files

import numpy as np
import torch

from neurarium.data import japanese_vowels


def test_counts_are_those_of_the_authors() -> None:
    data = japanese_vowels.load()
    assert data.counts() == {"train": 216, "validation": 54, "test": 370}
    assert torch.bincount(data.train.target("label")).tolist() == [24] * 9
    assert torch.bincount(data.validation.target("label")).tolist() == [6] * 9
    # of speakers 1 to 9, as the repository's description says
    assert torch.bincount(data.test.target("label")).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    sizes = torch.cat([part.sizes() for part in data.parts().values()])
    assert (len(sizes), int(sizes.min()), int(sizes.max())) == (640, 7, 29)


def test_standardized_by_the_frames_of_training_and_otherwise_as_stored() -> None:
    data = japanese_vowels.load()
    frames = torch.cat(list(data.train.pieces("series"))).double()
    np.testing.assert_allclose(data.schema.input.mean, frames.mean(0), rtol=1e-9)
    np.testing.assert_allclose(data.schema.input.std, frames.std(0, correction=0), rtol=1e-9)
    with np.load(str(files("neurarium.data") / "embedded" / "japanese_vowels.npz")) as stored:
        values, length = stored["test_values"], int(stored["test_lengths"][0])
    series, lengths = data.test.gather(torch.tensor([0, 5])).inputs
    assert int(lengths[0]) == length
    expected = (values[:length] - np.array(data.schema.input.mean)) / np.array(data.schema.input.std)
    np.testing.assert_allclose(series[0, :length], expected, rtol=1e-4, atol=1e-5)
    assert not series[0, length:].any()
