import numpy as np
import pytest
import torch

from neurarium.data import moving_digits
from neurarium.data.moving_digits import DIGIT, SIDE, drawn, motions, reflected


def walked(start: float, speed: float, steps: int) -> tuple[list[float], int]:
    """Places of something that turns round at 0 and at 18, in steps so small that it turns once in each at most."""
    place, places, bounces, fine = start, [start], 0, 1000
    for _ in range(steps):
        for _ in range(fine):
            place += speed / fine
            if not 0 <= place <= 18:
                place, speed, bounces = (-place if place < 0 else 36 - place), -speed, bounces + 1
        places.append(place)
    return places, bounces


@pytest.mark.parametrize(("start", "speed"), [(3.0, 2.3), (17.0, 3.4), (1.0, -3.1), (9.0, 0.9)])
def test_reflection_is_turning_round_at_the_walls(start: float, speed: float) -> None:
    free = start + speed * np.arange(12)
    places, bounces = walked(start, speed, 11)
    np.testing.assert_allclose(reflected(free), places, atol=1e-6)
    assert abs(np.floor(free[-1] / 18)) == bounces


def test_motions_bounce_as_often_as_they_say_and_stay_on_the_canvas() -> None:
    corners, bounces = motions(200, 10, np.random.RandomState(0))
    assert np.bincount(bounces).tolist() == [50] * 4
    assert corners.min() >= 0
    assert corners.max() <= SIDE - DIGIT
    steps = np.sign(np.diff(corners, axis=1))
    straight = (np.abs(np.diff(corners, axis=1)).max((1, 2)) <= 4).all()
    assert straight
    never = steps[bounces == 0]
    assert all((np.diff(clip[clip[:, axis] != 0, axis]) == 0).all() for clip in never for axis in range(2))


def test_digits_are_laid_on_black() -> None:
    digits = np.random.RandomState(0).randint(1, 255, (2, DIGIT, DIGIT)).astype(np.uint8)
    corners = np.array([[[0, 0], [18, 3]], [[5, 6], [7, 18]]])
    clips = drawn(digits, corners)
    for k, t in np.ndindex(2, 2):
        row, column = corners[k, t]
        assert (clips[k, t, row : row + DIGIT, column : column + DIGIT] == digits[k]).all()
        assert np.count_nonzero(clips[k, t]) == DIGIT**2


def test_both_questions() -> None:
    data = moving_digits.load()
    assert data.counts() == {"train": 1600, "validation": 400, "test": 400}
    assert data.train.target("label").bincount().tolist() == [400] * 4
    assert data.schema.input.shape == (10, 1, 32, 32)
    following = moving_digits.load_next()
    assert following.schema.target.shape == (4, 1, 32, 32)
    assert following.schema.classes == ("frame 9", "frame 10", "frame 11", "frame 12")
    batch = following.train.gather(torch.arange(64))
    assert abs(float(batch.labels.mean())) < 0.2  # standardized
    clips = torch.cat(list(following.train.pieces("clip")))
    assert clips.dtype == torch.uint8
    mass = clips.flatten(2).float().sum(2)
    assert torch.equal(mass, mass[:, :1].expand_as(mass))  # no digit is cut off
