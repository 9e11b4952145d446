"""Laws of tables: columns are found by their names wherever they stand, and a file that is given is scored whole."""

import csv
import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurarium import api
from neurarium.checks import DataError, UserError
from neurarium.cli.main import main
from neurarium.data import csv_table
from neurarium.learning.augmentation import Augmentation
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.recipes.catalog import RECIPES
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run, load_run
from neurarium.training.seed import own_generators
from neurarium.training.session import start

pytestmark = pytest.mark.usefixtures("undrawn")

NAMES, ROWS = ("length", "Width", "depth of hull", "x 0", "tail"), 60


OF_TABLES = (
    "mlp", "mlp-diabetes", "residual-mlp", "ridge", "ridge-diabetes", "least-squares", "logistic", "softmax",
    "random-features", "perceptron",
)  # fmt: skip

SMALLER = {"random-features": {"features": 64}, "residual-mlp": {"depth": 4}}


def table(kind: str = "class", rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Five features of different scales, and a target that depends on them."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(rows, 5)) * [1, 10, 0.1, 3, 1] + [0, 5, 0, 1, 2], columns=list(NAMES))
    signal = frame["length"] + frame["tail"] - 2 + 0.3 * draw.normal(size=rows)
    if kind == "number":
        return frame.assign(price=signal)
    return frame.assign(species=np.where(signal > 0, "cat", "dog"))


def mixed(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same columns in another order, and others among them: text, numbers, row numbers."""
    draw = np.random.default_rng(seed)
    more = frame.assign(id=np.arange(len(frame)) + 1000, note="a, b", again=draw.normal(size=len(frame)))
    return more[list(draw.permutation(more.columns))]


def trained(folder: Path, recipe: Recipe, frame: pd.DataFrame) -> Run:
    frame.to_csv(folder / "train.csv", index=False)
    data = csv_table.load(folder / "train.csv", str(folder / "train.csv"))
    plan = dataclasses.replace(
        recipe, data=str(folder / "train.csv"), epochs=1, batch_size=16, threads=1, augmentation=Augmentation()
    )
    with own_generators():
        list(start(plan, folder / "run", data).events())
    return load_run(folder / "run")


def answers(run: Run, file: Path) -> list[list[str]]:
    out = file.with_name("answers.csv")
    assert main(["predict", str(run.folder), str(file), "--out", str(out)]) == 0
    with out.open(newline="") as lines:
        return [row[1:] for row in csv.reader(lines)]


@pytest.mark.parametrize("name", RECIPES)
def test_answers_do_not_depend_on_the_order_of_the_columns(name: str, tmp_path: Path, capsys) -> None:
    """Every recipe that can learn from a table, of classes or of numbers; in files and in frames."""
    recipe = RECIPES[name]()
    recipe = dataclasses.replace(recipe, net=dataclasses.replace(recipe.net, **SMALLER.get(name, {})))
    if recipe.pretrained:
        pytest.skip("stands on another run, which would be trained first")
    learned = 0
    for kind in ("class", "number"):
        (tmp_path / kind).mkdir()
        frame = table(kind)
        try:
            run = trained(tmp_path / kind, recipe, frame)
        except UserError:
            continue  # not for tables, or not for such targets
        if run.task().name not in ("classification", "regression"):
            continue
        learned += 1
        features = frame[list(NAMES)]
        expected = run.predict(features.to_numpy()).values
        features.to_csv(tmp_path / "plain.csv", index=False)
        told = answers(run, tmp_path / "plain.csv")
        assert len(np.unique(expected.round(6), axis=0)) > 1  # an order could be seen
        assert run.predict(features).notices == ()
        for seed in range(3):
            other = mixed(frame if seed else features, seed)
            found = run.predict(other)
            np.testing.assert_array_equal(found.values, expected)
            assert {"id", "note", "again"} == set(re.findall(r"'(\w+)'", found.notices[0]))
            other.to_csv(tmp_path / "other.csv", index=False)
            capsys.readouterr()
            assert answers(run, tmp_path / "other.csv") == told
            assert "note: " in (said := capsys.readouterr().err)
            assert "'again'" in said
        with pytest.raises(DataError, match="expected a column 'tail'"):
            run.predict(features.drop(columns="tail"))
    if not learned:
        assert name not in OF_TABLES
        pytest.skip("not for tables")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("table"), Recipe(net=MLPSpec(hidden=(8,))), table())


def test_a_file_without_a_header_is_said(run: Run, tmp_path: Path, capsys) -> None:
    table()[list(NAMES)].to_csv(tmp_path / "bare.csv", index=False, header=False)
    assert len(answers(run, tmp_path / "bare.csv")) == ROWS + 1
    assert "the file has no header" in capsys.readouterr().err


def accuracy(run: Run, frame: pd.DataFrame) -> float:
    return float(np.mean(np.array(run.predict(frame).labels) == frame["species"]))


def test_a_file_is_scored_whole(run: Run, tmp_path: Path, capsys) -> None:
    test = table(rows=200, seed=5)
    mixed(test, 1).to_csv(tmp_path / "test.csv", index=False)
    for data in (
        tmp_path / "test.csv",
        str(tmp_path / "test.csv"),
        test,
        mixed(test, 2),
        (test[list(NAMES)], test["species"]),
    ):
        scores = run.evaluate(data)
        assert scores.examples == 200
        assert scores.accuracy == pytest.approx(accuracy(run, test))
        assert re.search("all 200 examples of .* are scored", scores.notices[0])
    assert main(["evaluate", str(run.folder), "--data", str(tmp_path / "test.csv")]) == 0
    out, err = (" ".join(text.split()) for text in capsys.readouterr())
    assert "Scored on 200 test examples of" in out
    assert "note: all 200 examples of" in err
    assert "'again'" in err


def test_a_split_can_be_asked_for(run: Run, tmp_path: Path, capsys) -> None:
    table(rows=200, seed=5).to_csv(tmp_path / "test.csv", index=False)
    for split, count in (("test", 20), ("validation", 20), ("train", 160)):
        assert run.evaluate(tmp_path / "test.csv", split).examples == count
        assert main(["evaluate", str(run.folder), "--data", str(tmp_path / "test.csv"), "--split", split]) == 0
        assert f"Scored on {count} {split} examples of" in " ".join(capsys.readouterr().out.split())


def test_a_divided_data_set_says_how_few_are_scored(run: Run) -> None:
    divided = api.dataset_from(table(rows=200, seed=5), target="species")
    assert "the test split of own alone is scored, 20 of 200 examples" in run.evaluate(divided).notices[0]
    assert run.evaluate(divided, "test").notices == ()


def test_the_file_that_was_learned_from_is_said(run: Run) -> None:
    assert "it has learned from most of them" in run.evaluate(run.info.name).notices[0]
    assert run.evaluate(run.info.name, "test").examples == ROWS // 10


def test_one_class_alone_can_be_scored(run: Run, tmp_path: Path) -> None:
    cats = table(rows=50, seed=6).query("species == 'cat'")
    cats.to_csv(tmp_path / "cats.csv", index=False)
    assert run.evaluate(tmp_path / "cats.csv").accuracy == pytest.approx(accuracy(run, cats))


def test_numbers_are_scored_whole_and_in_their_units(tmp_path: Path) -> None:
    run = trained(tmp_path, Recipe(net=MLPSpec(hidden=(8,))), table("number"))
    test = table("number", rows=30, seed=7)
    mixed(test, 3).to_csv(tmp_path / "test.csv", index=False)
    wrong = run.predict(test).values[:, 0] - test["price"]
    for data in (tmp_path / "test.csv", test):
        assert run.evaluate(data).value("MAE") == pytest.approx(float(np.abs(wrong).mean()), rel=1e-5)
    # what was learned as numbers is compared as numbers, though these may be taken for classes
    test.assign(price=range(30)).to_csv(tmp_path / "whole.csv", index=False)
    assert run.evaluate(tmp_path / "whole.csv").examples == 30


def test_a_file_without_what_is_to_be_predicted(run: Run, tmp_path: Path) -> None:
    table()[list(NAMES)].to_csv(tmp_path / "bare.csv", index=False)
    with pytest.raises(DataError, match=r"in the classes cat, dog, got .* no targets"):
        run.evaluate(tmp_path / "bare.csv")


def test_arrays_and_pictures_are_scored_whole(images, tmp_path: Path) -> None:
    plan = Recipe(net=MLPSpec(hidden=(8,)), epochs=1, batch_size=20, threads=1)
    with own_generators():
        list(start(plan, tmp_path / "run", images).events())
    run = load_run(tmp_path / "run")
    pixels, numbers = images.train.inputs[0].numpy(), images.train.targets[0].numpy()
    names = np.array(images.schema.classes)[numbers]
    np.savez(tmp_path / "test.npz", x=pixels, y=names)
    np.savez(tmp_path / "parts.npz", x_train=pixels, y_train=names, x_test=pixels[:7], y_test=names[:7])
    assert run.evaluate(tmp_path / "test.npz").examples == len(pixels)
    assert run.evaluate((pixels, names)).accuracy == run.evaluate(tmp_path / "test.npz").accuracy
    assert run.evaluate(tmp_path / "parts.npz").examples == 7  # its own test part
