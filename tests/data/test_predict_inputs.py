import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from neurarium.checks import DataError
from neurarium.data.arrays import input_fields
from neurarium.data.labels import class_fields
from neurarium.data.numbers import number_fields
from neurarium.data.predict_inputs import read_inputs
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 4)).astype(np.uint8)
IMAGES = Schema(input_fields((1, 5, 4)), class_fields("ab"))
ROWS = Schema(input_fields((2,)), class_fields("ab"))
NAMED = Schema(input_fields((2,), ("w", "h")), number_fields(["price"]))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "p" / "sub").mkdir(parents=True)
    for path, image in zip(("b.png", "a.bmp", "sub/c.png"), PIXELS, strict=False):
        Image.fromarray(image).save(tmp_path / "p" / path)
    (tmp_path / "p" / "notes.txt").write_text("x")
    return tmp_path / "p"


def read(paths, schema):
    names, examples, _ = read_inputs(paths, schema)
    assert isinstance(examples, Table)
    assert examples.schema == Schema(schema.inputs)
    assert len(names) == len(examples)
    return names, examples.inputs[0]


def test_pictures_and_folders_of_pictures(folder):
    names, inputs = read([str(folder), folder / "b.png"], IMAGES)
    assert [name.removeprefix(f"{folder}/") for name in names] == ["a.bmp", "b.png", "sub/c.png", "b.png"]
    assert inputs.dtype == torch.uint8
    np.testing.assert_array_equal(inputs[:, 0], PIXELS[[1, 0, 2, 0]])


def test_pictures_are_brought_to_the_shape_of_the_net(tmp_path):
    Image.fromarray(np.full((9, 7, 3), 50, np.uint8)).save(tmp_path / "a.png")
    assert torch.equal(read([tmp_path / "a.png"], IMAGES)[1], torch.full((1, 1, 5, 4), 50).byte())
    colored = Schema(input_fields((3, 2, 2)))
    assert read([tmp_path / "a.png"], colored)[1].shape == (1, 3, 2, 2)


def test_examples_are_gathered_as_the_net_saw_those_of_its_training(folder):
    image = replace(IMAGES.input, mean=(100.0,), std=(50.0,))
    _, examples, _ = read_inputs([folder / "b.png"], Schema({"image": image}, IMAGES.targets))
    batch = examples.gather(torch.tensor([0]))
    np.testing.assert_allclose(batch.x[0, 0], (PIXELS[0] - 100.0) / 50, rtol=1e-6)
    assert (batch.targets, batch.names) == ((), ("image",))


@pytest.mark.parametrize("array", [PIXELS, PIXELS[:, None], PIXELS[..., None], PIXELS.reshape(4, 20)])
def test_npz_of_images(tmp_path, array):
    np.savez(tmp_path / "a.npz", x=array)
    names, inputs = read([tmp_path / "a.npz"], IMAGES)
    assert names == [f"{tmp_path}/a.npz[{k}]" for k in range(4)]
    np.testing.assert_array_equal(inputs[:, 0], PIXELS)


def test_tables_with_and_without_labels(tmp_path):
    (tmp_path / "bare.csv").write_text("1,2\n3,4\n")
    (tmp_path / "labeled.csv").write_text("species,w,h\ncat,5,6\n")
    np.savez(tmp_path / "a.npz", X=np.array([[7.5, 8]]), y=np.array([0]))
    names, inputs = read([tmp_path / n for n in ("bare.csv", "labeled.csv", "a.npz")], ROWS)
    assert [name.removeprefix(f"{tmp_path}/") for name in names] == [
        "bare.csv[0]",
        "bare.csv[1]",
        "labeled.csv[0]",
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
        ("w,price per m,h\n1,0.5,2\n3,0.7,4\n", ("price per m",)),
        ("a,w,b,h\n9,1,0.5,2\n9,3,0.7,4\n", ("a", "b")),
    ],
)
def test_what_is_to_be_predicted_is_passed_over(tmp_path, text, outputs):
    (tmp_path / "t.csv").write_text(text)
    targets = number_fields(outputs) if outputs else {}
    for names in ((), ("w", "h")):
        schema = Schema(input_fields((2,), names), targets)
        assert read([tmp_path / "t.csv"], schema)[1].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "w,h\n1,2\n3,4\n",
        "h,w\n2,1\n4,3\n",
        "h,price,w\n2,9,1\n4,9,3\n",
        ",h,label,w\n0,2,cat,1\n1,4,dog,3\n",
        "h,w,grade:class\n2,1,x\n4,3,y\n",
        "1,2\n3,4\n",
    ],
)
def test_columns_in_any_order_give_the_same_answers(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    assert read([tmp_path / "t.csv"], NAMED)[1].tolist() == [[1, 2], [3, 4]]


def test_the_column_of_a_class_is_known_again(tmp_path):
    (tmp_path / "t.csv").write_text("variety,h,w\nx,2,1\n")
    schema = Schema(NAMED.inputs, class_fields("xy", ("variety",)))
    assert read([tmp_path / "t.csv"], schema)[1].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w,price\n1,2\n", r"t\.csv: expected a column 'h', got columns w, price; name the columns as in the table"),
        ("w,H\n1,2\n", r"t\.csv: expected a column 'h', got columns w, H"),
        ("w,h,h\n1,2,3\n", r"t\.csv, line 1: expected columns whose names differ, got 'h' twice"),
        ("1,2,3,4\n", r"t\.csv: expected 2 feature columns, got 4 columns"),
    ],
)
def test_columns_that_are_missing_or_double(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_inputs([tmp_path / "t.csv"], NAMED)


@pytest.mark.parametrize(
    ("text", "schema", "notice"),
    [
        ("h,w\n2,1\n", NAMED, None),
        ("id,h,price,w,b\n7,2,9,1,3\n", NAMED, r"t\.csv: ignored, .* columns are 'id', 'b'"),
        ("id,h,w\nx,2,1\n", NAMED, r"t\.csv: ignored, .* column is 'id'"),
        ("1,2\n", NAMED, r"t\.csv: columns are taken in the order in which they stand, as the file has no header"),
        ("w,h\n1,2\n", ROWS, r"t\.csv: columns are taken in the order .*, as the net has learned from columns without"),
        ("1,2\n", ROWS, None),
    ],
)
def test_how_columns_were_found_is_said(tmp_path, text, schema, notice):
    (tmp_path / "t.csv").write_text(text)
    _, examples, notices = read_inputs([tmp_path / "t.csv"], schema)
    assert examples.inputs[0].tolist() == [[1, 2]]
    assert len(notices) == (notice is not None)
    assert all(re.search(notice, said) for said in notices)


def test_a_table_of_pixels(tmp_path):
    np.savetxt(tmp_path / "a.csv", PIXELS.reshape(4, 20), fmt="%d", delimiter=",")
    np.testing.assert_array_equal(read([tmp_path / "a.csv"], IMAGES)[1][:, 0], PIXELS)


def test_bad_inputs(tmp_path, folder):
    np.savez(tmp_path / "a.npz", x=np.ones((4, 6, 6)))
    np.savez(tmp_path / "b.npz", weights=PIXELS)
    (tmp_path / "c.csv").write_text("1,2,3,4,5\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "broken.png").write_bytes(b"no image")
    for name, schema, message in [
        ("a.npz", IMAGES, r"a\.npz, x: expected rows of shape \(1, 5, 4\), got \(1, 6, 6\); save images like"),
        (
            "a.npz",
            ROWS,
            r"a\.npz, x: expected rows of shape \(2,\), got \(1, 6, 6\); save rows like those that the net",
        ),
        ("b.npz", IMAGES, r"b\.npz: expected one of the keys x, inputs, images, data, got weights"),
        ("c.csv", ROWS, r"c\.csv: expected 2 feature columns, got 5 columns"),
        ("empty", IMAGES, "empty: expected images, got a folder without any"),
        ("notes.txt", IMAGES, r"notes\.txt: expected an image .*, got a file named \*\.txt"),
        ("notes.txt", ROWS, r"notes\.txt: expected an \.npz or a \.csv file, got a file named \*\.txt"),
        ("none.png", IMAGES, r"none\.png: expected an image, got no such file"),
        ("none", IMAGES, "none: expected an image .*, got no such file"),
        ("none.csv", ROWS, "got no such file"),
        ("none.npz", ROWS, "got no such file"),
        ("broken.png", IMAGES, r"broken\.png: expected an image"),
        (str(folder), ROWS, r"expected rows of 2 features, got images; give a \.csv or \.npz"),
    ]:
        with pytest.raises(DataError, match=message):
            read_inputs([tmp_path / name], schema)
    with pytest.raises(DataError, match="expected at least one example, got none"):
        read_inputs([], IMAGES)


@pytest.mark.parametrize(
    ("kind", "got"),
    [
        ("points", r"points \(points x 3\)"),
        ("nodes", r"x \(nodes x 6\), edge_index \(2 x edges\), node \(one\)"),
        ("molecules", r"species \(atoms\), positions \(atoms x 3\), pairs \(2 x pairs\)"),
    ],
)
def test_what_no_file_holds_is_refused_in_one_sentence(tmp_path, kind, got, request):
    schema = request.getfixturevalue(kind).schema
    read = r"inputs: expected a net of images \(images, .*recordings \(\.wav\), to read files"
    message = rf"{read}, got one that .* {got}; give"
    with pytest.raises(DataError, match=message):
        read_inputs([tmp_path / "a.csv"], schema)


def test_text_is_read_for_rows_of_characters(tmp_path, tokens):
    (tmp_path / "a.txt").write_text("abc\n\nlk\n")
    names, examples, _ = read_inputs([tmp_path / "a.txt"], tokens.schema)
    assert names == [f"{tmp_path}/a.txt[0]", f"{tmp_path}/a.txt[1]"]
    batch = examples.gather(torch.tensor([1, 0]))
    assert [tensor.tolist() for tensor in batch.inputs] == [[[11, 10, 0], [0, 1, 2]], [2, 3]]
    assert batch.targets == ()
    codes = Schema({"codes": Field((None,), categories=("no", "yes please"), axis="codes")})
    with pytest.raises(DataError, match=r"inputs: expected a net of images .* got one that learned from codes"):
        read_inputs([tmp_path / "a.txt"], codes)
