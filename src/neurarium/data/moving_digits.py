"""Clips of digits that bounce between the walls of a small canvas, made by code from those that come with the package.

Along each axis a digit moves at a constant speed and is reflected at both walls. Two questions: how many times has it
bounced, which no single frame tells; and what do the next frames look like.
"""

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int, UInt8

from neurarium.data import mnist_5k
from neurarium.data.assemble import Part, Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

SIDE, DIGIT = 32, 14
"""Pixels of a side of the canvas, and of a digit, each the mean of 2 x 2 of the original."""
FRAMES, GIVEN, AHEAD = 10, 8, 4
"""Frames of a clip to be classified; frames given and frames to be foreseen."""
_ROOM = SIDE - DIGIT
_MOST_BOUNCES = 3
_CLIPS: dict[Part, int] = {"train": 1600, "validation": 400, "test": 400}
_SPEEDS = (0.8, 3.5)  # pixels a frame
_CLEAR = 1.5  # pixels from a wall at the end, so that the last bounce can be seen
_SEED = 20261128


def load(folder: str | None = None) -> Dataset:
    """Return clips of 10 frames, 32 x 32, in 4 classes: 0 to 3 bounces, as many of each."""
    clip = {"clip": Field((FRAMES, 1, SIDE, SIDE), value_range=(0.0, 255.0))}
    schema = Schema(clip, class_fields([str(count) for count in range(_MOST_BOUNCES + 1)]))
    parts: Parts = {
        part: Table((torch.from_numpy(clips)[:, :, None],), (torch.from_numpy(bounces),), schema)
        for part, (clips, bounces) in _made(FRAMES).items()
    }
    return assemble("moving-digits", parts, provenance=_provenance(), license=_LICENSE)


def load_next(folder: str | None = None) -> Dataset:
    """Return the first 8 frames of clips of 12, and the 4 that follow."""
    names = tuple(f"frame {GIVEN + k}" for k in range(1, AHEAD + 1))
    schema = Schema(
        {"clip": Field((GIVEN, 1, SIDE, SIDE), value_range=(0.0, 255.0))},
        {"next": Field((AHEAD, 1, SIDE, SIDE), names=names, value_range=(0.0, 255.0))},
    )
    parts: dict[Part, Table] = {}
    for part, (clips, _) in _made(GIVEN + AHEAD).items():
        given, following = torch.from_numpy(clips)[:, :, None].split([GIVEN, AHEAD], 1)
        parts[part] = Table((given.contiguous(),), (following.float(),), schema)
    return assemble("moving-digits-next", parts, provenance=_provenance(), license=_LICENSE)


_LICENSE = "CC BY-SA 3.0, as commonly stated for MNIST"


def _provenance() -> str:
    return "digits of mnist-5k, each part's own, moved over a canvas by code"


def _made(frames: int) -> dict[Part, tuple[UInt8[np.ndarray, "clips time side side"], Int[np.ndarray, "clips"]]]:
    """Clips of each part and how often they bounce, as many of each count."""
    random, source = np.random.RandomState(_SEED + frames), mnist_5k.load().parts()
    found = {}
    for part, count in _CLIPS.items():
        pixels = torch.cat(list(source[part].pieces("image")))[:, 0].numpy()
        small = pixels.reshape(-1, DIGIT, 2, DIGIT, 2).mean((2, 4)).round().astype(np.uint8)
        corners, bounces = motions(count, frames, random)
        found[part] = drawn(small[random.permutation(len(small))[:count]], corners), bounces
    return found


def motions(
    count: int, frames: int, random: np.random.RandomState
) -> tuple[Int[np.ndarray, "clips time 2"], Int[np.ndarray, "clips"]]:
    """Row and column of a digit's corner at every step, and the number of bounces, as many of each."""
    wanted = np.arange(count) % (_MOST_BOUNCES + 1)
    corners, left = np.empty((count, frames, 2), dtype=np.int64), np.arange(count)
    while len(left):
        start = random.uniform(0, _ROOM, (count, 2))[left]
        speed = (random.uniform(*_SPEEDS, (count, 2)) * random.choice([-1.0, 1.0], (count, 2)))[left]
        end = start + speed * (frames - 1)  # as if there were no walls
        bounces, place = np.abs(np.floor(end / _ROOM)).sum(1), reflected(end)
        clear = (np.minimum(place, _ROOM - place) > _CLEAR).all(1)
        fits = clear & (bounces == wanted[left])
        free = start[fits, None] + speed[fits, None] * np.arange(frames)[:, None]
        corners[left[fits]] = reflected(free).round()
        left = left[~fits]
    return corners, wanted


def reflected(free: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Where something is between two walls that would be at `free` without them.

    Example:
        >>> reflected(np.array([17.0, 19.0, 37.0, -2.0]))
        array([17., 17.,  1.,  2.])
    """
    turned: npt.NDArray[np.float64] = _ROOM - np.abs(np.mod(free, 2 * _ROOM) - _ROOM)
    return turned


def drawn(
    digits: UInt8[np.ndarray, "clips digit digit"], corners: Int[np.ndarray, "clips time 2"]
) -> UInt8[np.ndarray, "clips time side side"]:
    """Digits laid on black canvases."""
    count, frames, _ = corners.shape
    clips = np.zeros((count, frames, SIDE, SIDE), dtype=np.uint8)
    clip, time = np.arange(count)[:, None, None, None], np.arange(frames)[:, None, None]
    rows = corners[..., 0, None, None] + np.arange(DIGIT)[:, None]
    columns = corners[..., 1, None, None] + np.arange(DIGIT)
    clips[clip, time, rows, columns] = digits[:, None]
    return clips
