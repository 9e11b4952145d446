import numpy as np
import pytest
from PIL import Image

from neurarium.checks import ConfigError, DataError
from neurarium.data.catalog import SOURCES, load


def test_names():
    assert list(SOURCES)[:3] == ["mnist-5k", "fashion-mnist", "mnist"]
    assert set(SOURCES) >= {
        *("iris", "wine", "digits", "breast-cancer", "diabetes"),
        *("iris-two", "mnist-4-9", "ring-of-8", "grid-of-25"),
    }
    assert all(line for _, line in SOURCES.values())
    assert load("mnist-5k").counts() == {"train": 4000, "validation": 500, "test": 500}


@pytest.mark.parametrize(("name", "outputs"), [("diabetes", 1), ("iris-two", 2), ("mnist-4-9", 2), ("ring-of-8", 8)])
def test_sources_are_called_as_they_call_themselves(name, outputs):
    data = load(name)
    assert (data.name, len(data.schema.classes)) == (name, outputs)
    assert data.schema.outputs == outputs
    assert bool(data.schema.target.categories) == (name != "diabetes")


# Taken down once: a run is only continued on data of the fingerprint it began with.
@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("mnist-5k", "e598359a883c6411"),
        ("iris", "de6d54b2edbc55ee"),
        ("wine", "ed0f0dbbd34ad5c8"),
        ("digits", "9a8918f202a7939d"),
        ("breast-cancer", "ee8dde22a0eb7502"),
        ("diabetes", "85c6687d"),
        ("iris-two", "55e2398b"),
        ("mnist-4-9", "2b1a2f90"),
        ("ring-of-8", "79e14170"),
        ("grid-of-25", "5262ae6f"),
    ],
)
def test_data_sets_stay_what_they_are(name, start):
    assert load(name).fingerprint().startswith(start)


@pytest.fixture
def sources(tmp_path, write_idx, digits):
    pixels, labels = digits
    for folder in ("idx", "images/0", "images/1", "images/2", "images/3"):
        (tmp_path / folder).mkdir(parents=True)
    write_idx(tmp_path / "idx" / "my-images-idx3-ubyte.gz", pixels)
    write_idx(tmp_path / "idx" / "my-labels-idx1-ubyte.gz", labels)
    np.savez(tmp_path / "a.npz", x=pixels, y=labels)
    for k, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        Image.fromarray(image).save(tmp_path / "images" / str(label) / f"{k:02}.png")
    rows = np.column_stack([pixels.reshape(40, -1), labels])
    np.savetxt(tmp_path / "a.csv", rows, fmt="%d", delimiter=",")
    return tmp_path


@pytest.mark.parametrize("name", ["idx", "idx/my-images-idx3-ubyte.gz", "a.npz", "images", "a.csv"])
def test_paths(sources, digits, name):
    for data in (load(str(sources / name)), load(name, folder=str(sources))):
        assert data.counts() == {"train": 32, "validation": 4, "test": 4}
        assert data.schema.classes == ("0", "1", "2", "3")
        assert data.schema.input.shape == ((20,) if name == "a.csv" else (1, 5, 4))
        assert list(data.schema.fields) == ["features" if name == "a.csv" else "image", "label"]
        total = sum(float(part.inputs[0].double().sum()) for part in data.parts().values())
        assert total == digits[0].sum()


def test_unknown_names_and_missing_paths(tmp_path):
    with pytest.raises(
        ConfigError, match=r"data: expected one of \d+ known names, .*, got 'fashionmnist'; did you mean"
    ):
        load("fashionmnist")
    with pytest.raises(ConfigError, match=r"got 'zebra'$"):
        load("zebra")
    for name in ("digits.npz", "no/such/folder", "~nobody-of-this-name/x"):
        with pytest.raises(DataError, match=r"expected an idx pair, .*, got no such file or folder; check the path"):
            load(name, folder=str(tmp_path))
    (tmp_path / "a.parquet").write_text("x")
    with pytest.raises(DataError, match=r"a\.parquet: expected an idx pair, .* got a file named \*\.parquet"):
        load(str(tmp_path / "a.parquet"))


def test_empty_folder(tmp_path):
    with pytest.raises(DataError, match=r"got no images"):
        load(str(tmp_path))
