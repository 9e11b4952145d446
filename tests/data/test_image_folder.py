import numpy as np
import pytest
import torch
from PIL import Image

from neurarium.checks import DataError
from neurarium.data import image_folder
from neurarium.data.plan import grouped, plan
from neurarium.data.stream import Streamed
from neurarium.data.table import Table


def image(path, *, level, shape=(5, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, level, dtype=np.uint8)).save(path)


def fill(root, counts, base=0):
    for number, (label, count) in enumerate(counts.items()):
        for k in range(count):
            image(root / label / f"{k}.png", level=base + 20 * number + k)


def test_classes_without_parts(tmp_path):
    fill(tmp_path, {"dog": 10, "cat": 10})
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    (tmp_path / ".git").mkdir()
    data = image_folder.load(tmp_path, "pets")
    assert (data.schema.input.shape, data.schema.classes) == ((1, 5, 4), ("cat", "dog"))
    assert list(data.schema.fields) == ["image", "label"]
    assert data.counts() == {"train": 16, "validation": 2, "test": 2}
    assert isinstance(data.train, Table)
    levels = torch.cat([part.inputs[0][:, 0, 2, 3] for part in data.parts().values()]).tolist()
    targets = torch.cat([part.target("label") for part in data.parts().values()]).tolist()
    # dog is the first folder written (levels 0-9) and the second by name.
    assert sorted(zip(levels, targets, strict=True)) == [(k, 1) for k in range(10)] + [(20 + k, 0) for k in range(10)]


def test_parts_as_the_folders_say(tmp_path):
    fill(tmp_path / "train", {"2": 5, "10": 5})
    fill(tmp_path / "test", {"2": 2}, base=100)
    fill(tmp_path / "validation", {"10": 3}, base=200)
    data = image_folder.load(tmp_path, "numbers")
    assert data.schema.classes == ("2", "10")
    assert data.counts() == {"train": 10, "validation": 3, "test": 2}
    assert data.test.inputs[0][:, 0, 0, 0].tolist() == [100, 101]
    assert data.validation.target("label").tolist() == [1, 1, 1]


def test_train_and_test_may_be_classes(tmp_path):
    fill(tmp_path, {"train": 10, "test": 10})
    assert image_folder.load(tmp_path, "vehicles").schema.classes == ("test", "train")


def test_the_commonest_size_wins_and_one_color_picture_makes_all_color(tmp_path):
    fill(tmp_path, {"a": 4, "b": 4})
    image(tmp_path / "a" / "large.png", level=9, shape=(8, 8))
    assert image_folder.load(tmp_path, "x").schema.input.shape == (1, 5, 4)
    image(tmp_path / "b" / "color.png", level=9, shape=(5, 4, 3))
    data = image_folder.load(tmp_path, "x")
    assert data.schema.input.shape == (3, 5, 4)
    assert "1 images resized to 4 x 5" in data.provenance


def test_of_several_commonest_sizes_the_largest_is_taken(tmp_path):
    for label in ("a", "b"):
        image(tmp_path / label / "small.png", level=1, shape=(3, 3))
        image(tmp_path / label / "large.png", level=1, shape=(6, 2))
    assert image_folder.load(tmp_path, "x").schema.input.shape == (1, 6, 2)


def test_large_folders_are_streamed_and_equal_those_in_memory(tmp_path):
    fill(tmp_path, {"a": 20, "b": 20})
    dense = image_folder.load(tmp_path, "x", limit_bytes=40 * 20)
    streamed = image_folder.load(tmp_path, "x", limit_bytes=40 * 20 - 1)
    assert isinstance(dense.train, Table)
    assert isinstance(streamed.train, Streamed)
    assert streamed.fingerprint() == dense.fingerprint()
    assert streamed.schema == dense.schema
    order = plan(len(dense.train), 8, seed=0, epoch=1)
    for (a,), (b,) in zip(*(grouped(d.train, order) for d in (dense, streamed)), strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.labels, b.labels)
    assert len(streamed.train.gather(torch.empty(0, dtype=torch.int64))) == 0


def test_empty_class(tmp_path):
    fill(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "emu").mkdir()
    with pytest.raises(DataError, match="emu: expected images of this class, got an empty class: none"):
        image_folder.load(tmp_path, "pets")


def test_class_in_the_test_part_alone(tmp_path):
    fill(tmp_path / "train", {"cat": 3, "dog": 3})
    fill(tmp_path / "test", {"cat": 3, "emu": 3})
    with pytest.raises(DataError, match=r"train/emu: .* an empty class: none, while there are some in .*test/emu"):
        image_folder.load(tmp_path, "pets")


def test_folders_without_classes(tmp_path):
    with pytest.raises(DataError, match=r"expected one sub-folder of images .* a class, got no images; put"):
        image_folder.load(tmp_path, "pets")
    image(tmp_path / "a.png", level=1)
    with pytest.raises(DataError, match="got 1 images, none of them in a sub-folder"):
        image_folder.load(tmp_path, "pets")
    fill(tmp_path, {"cat": 3})
    with pytest.raises(DataError, match="expected two classes or more, got only 'cat'"):
        image_folder.load(tmp_path, "pets")


def test_an_unreadable_picture_is_named(tmp_path):
    fill(tmp_path, {"cat": 3, "dog": 3})
    broken = tmp_path / "dog" / "1.png"
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"dog/1\.png: expected an image"):
        image_folder.load(tmp_path, "pets")
