import numpy as np
import pytest
import torch
from PIL import Image

from neurarium.checks import DataError
from neurarium.data.predict_inputs import read_inputs

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 4)).astype(np.uint8)
SHAPE = (1, 5, 4)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "p" / "sub").mkdir(parents=True)
    for path, image in zip(("b.png", "a.bmp", "sub/c.png"), PIXELS, strict=False):
        Image.fromarray(image).save(tmp_path / "p" / path)
    (tmp_path / "p" / "notes.txt").write_text("x")
    return tmp_path / "p"


def test_pictures_and_folders_of_pictures(folder):
    names, inputs = read_inputs([str(folder), folder / "b.png"], SHAPE, "images")
    assert [name.removeprefix(f"{folder}/") for name in names] == ["a.bmp", "b.png", "sub/c.png", "b.png"]
    assert inputs.dtype == torch.uint8
    np.testing.assert_array_equal(inputs[:, 0], PIXELS[[1, 0, 2, 0]])


def test_pictures_are_brought_to_the_shape_of_the_net(tmp_path):
    Image.fromarray(np.full((9, 7, 3), 50, np.uint8)).save(tmp_path / "a.png")
    assert torch.equal(read_inputs([tmp_path / "a.png"], SHAPE, "images")[1], torch.full((1, 1, 5, 4), 50).byte())
    assert read_inputs([tmp_path / "a.png"], (3, 2, 2), "images")[1].shape == (1, 3, 2, 2)


@pytest.mark.parametrize("array", [PIXELS, PIXELS[:, None], PIXELS[..., None], PIXELS.reshape(4, 20)])
def test_npz_of_images(tmp_path, array):
    np.savez(tmp_path / "a.npz", x=array)
    names, inputs = read_inputs([tmp_path / "a.npz"], SHAPE, "images")
    assert names == [f"{tmp_path}/a.npz[{k}]" for k in range(4)]
    np.testing.assert_array_equal(inputs[:, 0], PIXELS)


def test_tables_with_and_without_labels(tmp_path):
    (tmp_path / "bare.csv").write_text("1,2\n3,4\n")
    (tmp_path / "labelled.csv").write_text("species,w,h\ncat,5,6\n")
    np.savez(tmp_path / "a.npz", X=np.array([[7.5, 8]]), y=np.array([0]))
    names, inputs = read_inputs([tmp_path / n for n in ("bare.csv", "labelled.csv", "a.npz")], (2,), "vectors")
    assert [name.removeprefix(f"{tmp_path}/") for name in names] == [
        "bare.csv[0]",
        "bare.csv[1]",
        "labelled.csv[0]",
        "a.npz[0]",
    ]
    assert inputs.tolist() == [[1, 2], [3, 4], [5, 6], [7.5, 8]]


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("w,h\n1,2\n3,4\n", ()),
        ("w,h,price\n1,2,0.5\n3,4,0.7\n", ()),
        ("target,w,h\n0.5,1,2\n0.7,3,4\n", ()),
        ("w,price:number,h\n1,0.5,2\n3,,4\n", ()),
        ("w,a:number,h,b:number\n1,0.5,2,9\n3,7,4,x\n", ()),
        ("w,price,h\n1,0.5,2\n3,0.7,4\n", ("price",)),
        ("a,w,b,h\n9,1,0.5,2\n9,3,0.7,4\n", ("a", "b")),
    ],
)
def test_numbers_to_predict_are_passed_over(tmp_path, text, outputs):
    (tmp_path / "t.csv").write_text(text)
    assert read_inputs([tmp_path / "t.csv"], (2,), "vectors", outputs)[1].tolist() == [[1, 2], [3, 4]]


def test_a_table_of_pixels(tmp_path):
    np.savetxt(tmp_path / "a.csv", PIXELS.reshape(4, 20), fmt="%d", delimiter=",")
    np.testing.assert_array_equal(read_inputs([tmp_path / "a.csv"], SHAPE, "images")[1][:, 0], PIXELS)


def test_bad_inputs(tmp_path, folder):
    np.savez(tmp_path / "a.npz", x=np.ones((4, 6, 6)))
    np.savez(tmp_path / "b.npz", weights=PIXELS)
    (tmp_path / "c.csv").write_text("1,2,3,4,5\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for name, shape, kind, message in [
        ("a.npz", SHAPE, "images", r"a\.npz, x: expected rows of shape \(1, 5, 4\), got \(1, 6, 6\); save images like"),
        ("b.npz", SHAPE, "images", r"b\.npz: expected one of the keys x, inputs, images, data, got weights"),
        ("c.csv", (2,), "vectors", r"c\.csv: expected 2 feature columns, got 5 columns"),
        ("empty", SHAPE, "images", "empty: expected pictures, got a folder without any"),
        ("notes.txt", SHAPE, "images", r"notes\.txt: expected a picture .*, got a file named \*\.txt"),
        ("none.png", SHAPE, "images", r"none\.png: expected a picture, got no such file"),
        ("none", SHAPE, "images", "none: expected a picture .*, got no such file"),
        ("none.csv", (2,), "vectors", "got no such file"),
        ("none.npz", (2,), "vectors", "got no such file"),
        ("broken.png", SHAPE, "images", r"broken\.png: expected a picture"),
        (str(folder), (20,), "vectors", r"expected rows of 20 features, got pictures; give a \.csv or \.npz"),
    ]:
        with pytest.raises(DataError, match=message):
            read_inputs([tmp_path / name], shape, kind)
    with pytest.raises(DataError, match="expected at least one example, got none"):
        read_inputs([], SHAPE, "images")
