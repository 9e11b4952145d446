import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.learning.augmentation import Augmentation, flip_images, shift_images


def test_shift_by_numpy_padding() -> None:
    x = np.random.default_rng(0).normal(size=(5, 3, 6, 7)).astype(np.float32)
    down, right = np.array([0, 2, -1, 3, -3]), np.array([0, -2, 1, 0, 3])
    padded = np.pad(x, ((0, 0), (0, 0), (3, 3), (3, 3)), mode="edge")
    expected = np.stack([padded[n, :, 3 - down[n] : 9 - down[n], 3 - right[n] : 10 - right[n]] for n in range(5)])
    got = shift_images(torch.tensor(x), torch.tensor(down), torch.tensor(right))
    np.testing.assert_array_equal(got.numpy(), expected)


def test_flip_only_the_chosen() -> None:
    x = torch.randn(2, 1, 3, 4)
    got = flip_images(x, torch.tensor([False, True]))
    assert torch.equal(got[0], x[0])
    np.testing.assert_array_equal(got[1].numpy(), x[1].numpy()[:, :, ::-1])


def test_every_shift_occurs_equally_often_and_the_identity_among_them() -> None:
    torch.manual_seed(0)
    x = torch.zeros(9000, 1, 5, 5)
    x[:, 0, 2, 2] = 1
    counts = Augmentation(shift=1).apply(x)[:, 0].sum(0)[1:4, 1:4]
    # 9 equally likely places, 1000 each: five standard deviations are 149
    assert (counts - 1000).abs().max() < 149
    assert counts.sum() == 9000


def test_off_is_the_identity() -> None:
    x = torch.randn(2, 1, 3, 3)
    assert Augmentation().apply(x) is x
    assert not Augmentation().active


@pytest.mark.parametrize("shape", [(12,), (3, 5)])
def test_data_without_rows_and_columns(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="expected images"):
        Augmentation(flip=True).check(shape)
    Augmentation().check(shape)


def test_shift_out_of_range() -> None:
    with pytest.raises(ConfigError, match=r"augmentation\.shift"):
        Augmentation(shift=-1)
    with pytest.raises(ConfigError, match="less than 8"):
        Augmentation(shift=8).check((1, 8, 9))
