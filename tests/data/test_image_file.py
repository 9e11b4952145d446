import io
import random

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from neurarium.checks import DataError
from neurarium.data.image_file import image_shape_of, is_image_file, read_image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 4)).astype(np.uint8)
COLOR = RNG.integers(0, 256, (5, 4, 3)).astype(np.uint8)


def save(tmp_path, image, name="a.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_lossless_formats(tmp_path, name):
    path = save(tmp_path, Image.fromarray(GREY), name)
    assert image_shape_of(path) == (1, 5, 4)
    np.testing.assert_array_equal(read_image(path, 1, 5, 4), GREY[None])
    path = save(tmp_path, Image.fromarray(COLOR), name)
    assert image_shape_of(path) == (3, 5, 4)
    np.testing.assert_array_equal(read_image(path, 3, 5, 4), COLOR.transpose(2, 0, 1))


def test_gif_takes_the_first_frame_and_jpeg_comes_close(tmp_path):
    frames = [Image.fromarray(np.full((5, 4), level, np.uint8)) for level in (200, 10)]
    gif = save(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])
    assert (read_image(gif, 1, 5, 4) == 200).all()
    smooth = np.linspace(0, 255, 256).reshape(16, 16).astype(np.uint8)
    jpeg = save(tmp_path, Image.fromarray(smooth), "a.JPG", format="JPEG", quality=95)
    assert np.abs(read_image(jpeg, 1, 16, 16)[0].astype(int) - smooth).max() < 10


def test_gray_and_color_turn_into_each_other(tmp_path):
    path = save(tmp_path, Image.fromarray(COLOR))
    luma = COLOR @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(read_image(path, 1, 5, 4)[0], luma, atol=1)
    path = save(tmp_path, Image.fromarray(GREY))
    np.testing.assert_array_equal(read_image(path, 3, 5, 4), np.stack([GREY] * 3))


def test_transparent_parts_are_white(tmp_path):
    pixels = np.array([[[0, 0, 0, 255], [0, 0, 0, 0], [0, 0, 0, 51]]], dtype=np.uint8)
    path = save(tmp_path, Image.fromarray(pixels))
    assert image_shape_of(path) == (3, 1, 3)
    assert read_image(path, 1, 1, 3).tolist() == [[[0, 255, 204]]]  # 255 (1 - 51 / 255) = 204


def test_sixteen_bit_and_one_bit(tmp_path):
    path = save(tmp_path, Image.fromarray(np.array([[0, 255, 256, 65535]], dtype=np.uint16)))
    assert image_shape_of(path) == (1, 1, 4)
    assert read_image(path, 1, 1, 4).tolist() == [[[0, 0, 1, 255]]]
    path = save(tmp_path, Image.fromarray(np.array([[True, False]])))
    assert read_image(path, 1, 1, 2).tolist() == [[[255, 0]]]


def test_exif_orientation_turns_the_picture(tmp_path):
    image, tags = Image.fromarray(GREY), Image.Exif()
    tags[0x0112] = 6  # the camera was held on its side: turn clockwise to see it upright
    path = save(tmp_path, image, exif=tags)
    assert image_shape_of(path) == (1, 4, 5)
    np.testing.assert_array_equal(read_image(path, 1, 4, 5)[0], np.rot90(GREY, -1))


def test_resizing(tmp_path):
    path = save(tmp_path, Image.fromarray(np.array([[0, 100], [100, 200]], dtype=np.uint8)))
    assert read_image(path, 1, 1, 1).tolist() == [[[100]]]
    constant = save(tmp_path, Image.fromarray(np.full((3, 7, 3), 77, np.uint8)))
    assert (read_image(constant, 3, 9, 4) == 77).all()


def test_damaged_pictures_are_named(tmp_path):
    whole = save(tmp_path, Image.fromarray(COLOR.repeat(9, 0))).read_bytes()
    flipped = bytearray(whole)
    flipped[60] ^= 0xFF
    for damaged in (b"", b"no image", whole[:20], whole[:-40], bytes(flipped)):
        path = tmp_path / "broken.png"
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"broken\.png: expected an image .* cannot be decoded .*; remove it"):
            read_image(path, 3, 5, 4)
    with pytest.raises(DataError, match=r"none\.png: expected an image, got no such file"):
        image_shape_of(tmp_path / "none.png")


@pytest.mark.parametrize("count", [150, pytest.param(5000, marks=pytest.mark.more)])
@pytest.mark.filterwarnings("ignore")
def test_damage_anywhere_is_a_data_error(tmp_path, count):
    """Bytes changed, cut off, put in and taken out of images of every kind, tags and all; each chunk's own checksum
    would stop most of it, and is passed in half of the trials."""
    draw, tags, whole = random.Random(count), Image.Exif(), []
    tags[0x0112], tags[0x010E], tags[0x011A] = 6, "hello", 1.5
    for name, mode in (("PNG", "RGB"), ("PNG", "LA"), ("JPEG", "L"), ("BMP", "P"), ("GIF", "P"), ("WEBP", "RGB")):
        file = io.BytesIO()
        image = Image.fromarray(COLOR.repeat(3, 0)).convert(mode)
        image.save(file, name, **({"exif": tags} if name in ("PNG", "JPEG", "WEBP") else {}))
        whole.append(file.getvalue())
    path, refused = tmp_path / "a.png", 0
    for trial in range(count):
        data = bytearray(draw.choice(whole))
        for _ in range(draw.randrange(1, 4)):
            place = draw.randrange(min(len(data), draw.choice((64, 10**6))))
            kind = draw.random()
            if kind < 0.7:
                data[place] = draw.randrange(256)
            elif kind < 0.8:
                data = data[: place + 1]
            else:
                data[place : place + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
            data = data or bytearray(b"x")
        path.write_bytes(data)
        with pytest.MonkeyPatch.context() as patch:
            if trial % 2:
                patch.setattr(PngImagePlugin.ChunkStream, "crc", PngImagePlugin.ChunkStream.crc_skip)
            try:
                if np.prod(image_shape_of(path)) < 1e7:
                    read_image(path, 3, 5, 4)
            except DataError:
                refused += 1
    assert refused > count / 10


def test_no_program_is_started_for_a_picture(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    with pytest.raises(DataError, match=r"a\.png: expected an image"):
        image_shape_of(tmp_path / "a.png")


def test_is_picture(tmp_path):
    names = ["a.png", "B.JPEG", "c.gif", "d.bmp", ".e.png", "f.txt", "png"]
    assert [name for name in names if is_image_file(tmp_path / name)] == ["a.png", "B.JPEG", "c.gif", "d.bmp"]
