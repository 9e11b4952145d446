import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from neurarium.learning.augmentation.geometry import affine_map, draw_affine, flip_images, shift_images, warp_images

DOUBLE = torch.float64


def _map(
    n: int = 1, angle: float = 0.0, side: float = 1.0, center: tuple[float, float] = (0.0, 0.0),
    mirrored: bool = False, shift: tuple[float, float] = (0.0, 0.0),
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    full = torch.full((n,), 1.0, dtype=DOUBLE)
    pair = torch.tensor([center] * n, dtype=DOUBLE), torch.tensor([shift] * n, dtype=DOUBLE)
    return affine_map(math.radians(angle) * full, side * full, pair[0], torch.full((n,), mirrored), pair[1])


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


@pytest.mark.parametrize("size", [5, 8])
@pytest.mark.parametrize("turns", [1, 2, 3, -1])
def test_quarter_turns_are_torch_rot90(size: int, turns: int) -> None:
    x = torch.randn(2, 3, size, size, dtype=DOUBLE)
    got = warp_images(x, *_map(2, angle=90.0 * turns))
    torch.testing.assert_close(got, torch.rot90(x, turns, (2, 3)), rtol=1e-10, atol=1e-10)


def test_whole_pixels_and_mirrors_are_the_exact_ones() -> None:
    x = torch.randn(1, 2, 6, 9, dtype=DOUBLE)
    for right, down in ((0, 0), (2, -1), (-3, 4), (8, 5)):
        got = warp_images(x, *_map(shift=(right, down)))
        expected = shift_images(x, torch.tensor([down]), torch.tensor([right]))
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(warp_images(x, *_map(mirrored=True)), x.flip(3), rtol=1e-10, atol=1e-10)
    both = flip_images(x, torch.tensor([True]))
    torch.testing.assert_close(
        warp_images(x, *_map(mirrored=True, shift=(2.0, 1.0))),
        shift_images(both, torch.tensor([1]), torch.tensor([2])), rtol=1e-10, atol=1e-10,
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(11, 11), (8, 14)])
def test_any_angle_by_scipy(shape: tuple[int, int]) -> None:
    # pixels stay square on images that are not
    x = torch.randn(1, 1, *shape, dtype=DOUBLE)
    got = warp_images(x, *_map(angle=25.0))[0, 0].numpy()
    expected = ndimage.rotate(x[0, 0].numpy(), 25.0, reshape=False, order=1, mode="nearest")
    np.testing.assert_allclose(got, expected, atol=1e-10)


def test_a_window_enlarged_by_scipy() -> None:
    x = torch.randn(1, 1, 8, 12, dtype=DOUBLE)
    # the upper left quarter of the area: center a quarter of the size left of and above the middle
    got = warp_images(x, *_map(side=0.5, center=(-3.0, -2.0)))[0, 0].numpy()
    rows, columns = (np.arange(n) / 2 - 0.25 for n in (8, 12))
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    expected = ndimage.map_coordinates(x[0, 0].numpy(), grid, order=1, mode="nearest")
    np.testing.assert_allclose(got, expected, atol=1e-10)


def test_all_in_one_is_one_after_another() -> None:
    # on slopes, which interpolation leaves exact
    x = torch.stack(torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij"))[None].to(DOUBLE)
    steps = [
        {"angle": 20.0},
        {"side": 0.8, "center": (2.0, -3.0)},
        {"mirrored": True},
        {"shift": (3.0, -2.0)},
    ]
    expected = x
    for step in steps:
        expected = warp_images(expected, *_map(**step))
    together = warp_images(x, *_map(**{key: value for step in steps for key, value in step.items()}))
    inner = (..., slice(14, 26), slice(14, 26))  # beyond, what was repeated at a border differs
    torch.testing.assert_close(together[inner], expected[inner], rtol=1e-10, atol=1e-10)
    assert (together - x)[inner].abs().max() > 3


def test_windows_lie_within_the_image_and_have_their_share() -> None:
    torch.manual_seed(0)
    x = torch.zeros(5000, 1, 10, 20)
    A, b = draw_affine(x, shift=0, flip=False, rotation=0.0, crop=0.75)
    side = A[:, 0, 0]
    corners = b.abs() + side[:, None] * torch.tensor([10.0, 5.0])
    assert (corners <= torch.tensor([10.0, 5.0]) + 1e-5).all()
    fraction = side.square()
    assert fraction.min() >= 0.25 - 1e-6
    assert fraction.mean().item() == pytest.approx(1 - 0.375, abs=0.015)  # uniform from 1/4 to 1


def test_angles_are_uniform_both_ways() -> None:
    torch.manual_seed(0)
    A, b = draw_affine(torch.zeros(4000, 1, 6, 6), shift=0, flip=False, rotation=30.0, crop=0.0)
    angle = torch.rad2deg(torch.atan2(A[:, 1, 0], A[:, 0, 0]))
    assert angle.abs().max().item() == pytest.approx(30, abs=0.1)
    assert angle.abs().max() <= 30 + 1e-4
    assert abs(angle.mean().item()) < 4 * (60 / 12**0.5) / 4000**0.5
    assert b.abs().max() == 0
