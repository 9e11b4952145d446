import functools
import hashlib
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from neurarium.checks import DataError
from neurarium.data.fashion_mnist import FASHION_MNIST
from neurarium.data.idx_pair import load_folder, load_named, load_pair

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@pytest.fixture
def four(tmp_path, write_idx, digits):
    """Write the four files of a data set: 36 images to train on, 4 for the test."""

    def write(folder, suffix=".gz", base=0):
        folder.mkdir(parents=True, exist_ok=True)
        pixels, labels = digits
        arrays = (pixels[:36], labels[:36] + base, pixels[36:], labels[36:] + base)
        for name, array in zip(FILES, arrays, strict=True):
            write_idx(folder / f"{name}{suffix}", array.astype(np.uint8))
        return folder

    return write


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A named data set that is nowhere yet and whose server does not answer."""
    monkeypatch.delenv("NEURARIUM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return replace(
        FASHION_MNIST,
        name="toy-mnist",
        url="http://127.0.0.1:9/",
        md5={f"{name}.gz": "0" * 32 for name in FILES},
        system=tmp_path / "system" / "toy-mnist",
        classes=tuple("abcd"),
    )


@pytest.fixture
def server(tmp_path):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    (tmp_path / "www").mkdir()
    handler = functools.partial(Quiet, directory=tmp_path / "www")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield tmp_path / "www", f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_pair_with_its_test_split(tmp_path, four, digits, suffix):
    data = load_pair(four(tmp_path, suffix, base=5) / f"{FILES[0]}{suffix}", "mine")
    assert (data.name, data.schema.input.shape) == ("mine", (1, 5, 4))
    assert list(data.schema.fields) == ["image", "label"]
    assert data.schema.classes == ("5", "6", "7", "8")
    assert data.counts() == {"train": 32, "validation": 4, "test": 4}
    np.testing.assert_array_equal(data.test.inputs[0][:, 0], digits[0][36:])
    assert data.test.target("label").tolist() == [0, 1, 2, 3]
    assert load_folder(tmp_path, "mine").fingerprint() == data.fingerprint()


def test_a_pair_alone_is_divided(tmp_path, write_idx, digits):
    write_idx(tmp_path / "images.idx3-ubyte", digits[0])
    write_idx(tmp_path / "labels.idx1-ubyte.gz", digits[1])
    assert load_pair(tmp_path / "images.idx3-ubyte", "x").counts() == {"train": 32, "validation": 4, "test": 4}


def test_pairs_that_do_not_fit(tmp_path, four, write_idx, digits):
    images = four(tmp_path) / f"{FILES[0]}.gz"
    write_idx(tmp_path / f"{FILES[1]}.gz", digits[1][:35])
    with pytest.raises(DataError, match=r"train-labels.*: expected 36 labels, one for each image in train-.*, got 35"):
        load_pair(images, "x")
    (tmp_path / f"{FILES[1]}.gz").unlink()
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz: expected the labels of train-images.* no such"):
        load_pair(images, "x")
    with pytest.raises(DataError, match=r"expected a name with images-idx3.*give the images file of the pair"):
        load_pair(tmp_path / f"{FILES[3]}.gz", "x")


def test_test_split_of_another_shape(tmp_path, four, write_idx):
    images = four(tmp_path) / f"{FILES[0]}.gz"
    write_idx(tmp_path / f"{FILES[2]}.gz", np.zeros((4, 7, 7), dtype=np.uint8))
    with pytest.raises(
        DataError, match=r"t10k-images.*: expected images of \(1, 5, 4\) as in training, got \(1, 7, 7\)"
    ):
        load_pair(images, "x")


def test_several_pairs_in_a_folder(tmp_path, four, write_idx, digits):
    four(tmp_path)
    write_idx(tmp_path / "letters-train-images-idx3-ubyte", digits[0])
    with pytest.raises(DataError, match=r"got several: letters-train-.*, train-.*; give one of these files"):
        load_folder(tmp_path, "x")


def test_labels_of_no_training_image(tmp_path, four, write_idx):
    images = four(tmp_path) / f"{FILES[0]}.gz"
    write_idx(tmp_path / f"{FILES[3]}.gz", np.array([0, 1, 2, 9], dtype=np.uint8))
    with pytest.raises(DataError, match=r"an empty class: none of '9'"):
        load_pair(images, "x")


@pytest.mark.parametrize(
    "place", ["root/toy-mnist", "root/FashionMNIST/raw", "system/toy-mnist", "cache/neurarium/toy-mnist"]
)
def test_a_named_set_is_found(tmp_path, monkeypatch, four, toy, place):
    monkeypatch.setenv("NEURARIUM_DATA", str(tmp_path / "root"))
    home = four(tmp_path / place)
    data = load_named(toy)
    assert data.counts() == {"train": 33, "validation": 3, "test": 4}
    assert (data.schema.classes, data.license) == (("a", "b", "c", "d"), "MIT")
    assert f"(from {home})" in data.provenance


def test_a_named_set_is_found_in_the_folder_given_and_only_there(tmp_path, four, toy):
    four(tmp_path / "mine", suffix="")
    assert load_named(toy, str(tmp_path / "mine")).counts()["test"] == 4
    with pytest.raises(DataError, match=r"other: expected the files train-images.*; put them there, or name no folder"):
        load_named(toy, str(tmp_path / "other"))


def test_files_of_another_set_with_the_same_names_are_not_taken(tmp_path, monkeypatch, four, toy):
    four(tmp_path / "root")
    monkeypatch.setenv("NEURARIUM_DATA", str(tmp_path / "root"))
    with pytest.raises(DataError, match=r"to be fetched"):
        load_named(toy)
    monkeypatch.setenv("NEURARIUM_DATA", str(four(tmp_path / "elsewhere" / "toy-mnist")))
    assert load_named(toy).counts()["test"] == 4


def test_labels_out_of_range(tmp_path, four, toy):
    with pytest.raises(DataError, match=r"train-labels.*: expected labels from 0 to 3, got 1 to 4"):
        load_named(toy, str(four(tmp_path / "x", base=1)))


def test_fetched_once_and_checked(tmp_path, four, toy, server):
    folder, url = server
    four(folder)
    md5 = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in toy.md5}
    toy = replace(toy, url=url, md5=md5)
    first = load_named(toy)
    for name in md5:
        (folder / name).unlink()
    assert load_named(toy).fingerprint() == first.fingerprint()
    assert str(tmp_path / "cache" / "neurarium" / "toy-mnist") in first.provenance


def test_failed_downloads_say_where_to_put_the_files(tmp_path, four, toy, server):
    by_hand = rf"; fetch train-images.* by hand and put them into {tmp_path}/cache/neurarium/toy-mnist$"
    with pytest.raises(DataError, match=f"toy-mnist: expected http://127.* to be fetched, got .*refused.*{by_hand}"):
        load_named(toy)
    folder, url = server
    with pytest.raises(DataError, match=f"got 404.*{by_hand}"):
        load_named(replace(toy, url=url))
    four(folder)
    with pytest.raises(DataError, match=f"got MD5 hash of downloaded file .* does not match.*{by_hand}"):
        load_named(replace(toy, url=url))
    assert not any(path.is_file() for path in Path(tmp_path / "cache").rglob("*"))
