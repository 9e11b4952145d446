"""Every file of a finished run, damaged in every small way: it is refused, or nothing that is answered changes."""

import itertools
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import neurarium
from neurarium import api
from neurarium.checks import RunError
from neurarium.data.dataset import Dataset
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.catalog import NETS
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.config import read_toml
from neurarium.record.sealed import write_json
from neurarium.report.layers import write_layers
from neurarium.report.page import write_report
from neurarium.training import session as sessions
from neurarium.training.checkpoint import load_checkpoint, saved_steps
from neurarium.training.recipe import Checkpoints, Recipe

from .conftest import make_tokens, make_toy

pytestmark = pytest.mark.usefixtures("undrawn")

TEXT = (".json", ".jsonl", ".toml")


def recipe(net: object, **changes: object) -> Recipe:
    usual = {"epochs": 2, "batch_size": 25, "threads": 1, "checkpoints": Checkpoints(seconds=1e9)}
    return Recipe(name="r", net=net, **{**usual, **changes})  # type: ignore[arg-type]


def image() -> tuple[Recipe, Dataset]:
    return recipe(NETS["lenet5"](), epochs=1), make_toy((1, 28, 28), 3, (30, 9, 9))


def table() -> tuple[Recipe, Dataset]:
    last = EarlyStopping(restore_best=False)
    return recipe(MLPSpec(hidden=(4,)), early_stopping=last), make_toy((5,), 3, (60, 15, 15))


def text() -> tuple[Recipe, Dataset]:
    return recipe(NETS["bag-of-tokens"]()), make_tokens()


def closed_form() -> tuple[Recipe, Dataset]:
    plan = neurarium.recipe("ridge")
    return recipe(plan.net, optimizer=plan.optimizer, loss=plan.loss), make_toy((5,), 2, (60, 15, 15))


KINDS = {make.__name__: make for make in (image, table, text, closed_form)}


@pytest.fixture(scope="module", params=KINDS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    plan, data = KINDS[request.param]()
    folder = tmp_path_factory.mktemp("damage") / "run"
    trained(plan, data, folder)
    return folder, data


def trained(plan: Recipe, data: Dataset, folder: Path) -> None:
    """A finished run, without its images."""
    list(sessions.start(plan, folder, data).events())
    loaded = api.load(folder)
    write_layers(loaded, folder)
    write_json(folder / "scores.json", loaded.evaluate(data).to_plain())


def answers(folder: Path, data: Dataset) -> np.ndarray:
    loaded = api.load(folder)
    return np.concatenate([loaded.predict(data.test).values.ravel(), [loaded.evaluate(data).loss]])


def resumed(folder: Path, data: Dataset) -> dict[str, torch.Tensor]:
    """What one more epoch makes of the run."""
    epochs = sessions.read_recipe(folder).epochs
    list(sessions.resume(folder, sessions.read_recipe(folder, {"epochs": epochs + 1}), data).events())
    return load_checkpoint(saved_steps(folder / "checkpoints")[0]).tensors


def values(node: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The path to every value of nested dictionaries and lists."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from values(child, (*path, key))


def damages(file: Path, count: int) -> Iterator[bytes]:
    """The file without its end, with a byte changed, and without a field of its JSON or a line of its text."""
    content, draw = file.read_bytes(), random.Random(file.name)
    for _ in range(count):
        yield content[: draw.randrange(len(content))]
        place = draw.randrange(len(content))
        yield content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]
    if file.suffix == ".json":
        paths = list(values(json.loads(content)))
        for path in draw.sample(paths, min(count, len(paths))):
            node = plain = json.loads(content)
            for key in path[:-1]:
                node = node[key]
            del node[path[-1]]
            yield json.dumps(plain).encode()
    if file.suffix in TEXT:
        lines = content.splitlines(keepends=True)
        for k in draw.sample(range(len(lines)), min(count, len(lines))):
            yield b"".join(lines[:k] + lines[k + 1 :])


def check(run: tuple[Path, Dataset], tmp_path: Path, count: int, tries_to_resume: int) -> None:
    folder, data = run
    shutil.copytree(folder, tmp_path / "whole")
    expected, learned = answers(folder, data), resumed(tmp_path / "whole", data)
    refused = kept = tried = 0
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix in (*TEXT, ".safetensors")]
    assert {p.name for p in files} >= {"config.toml", "data.json", "record.jsonl", "scores.json", "weights.json"}
    for file in files:
        resumes = tries_to_resume if file.name in ("config.toml", "data.json") or "step" in file.name else 0
        for number, content in enumerate(damages(file, count)):
            copy = tmp_path / "damaged"
            shutil.copytree(folder, copy)
            (copy / file.relative_to(folder)).write_bytes(content)
            try:
                np.testing.assert_array_equal(answers(copy, data), expected, err_msg=f"{file.name}, damage {number}")
                kept += 1
            except RunError as error:
                refused += bool(error.remedy)
            if number < resumes:
                try:
                    for name, tensor in resumed(copy, data).items():
                        assert torch.equal(tensor, learned[name]), f"{file.name}, damage {number}, {name}"
                except RunError:
                    pass
            shutil.rmtree(copy)
            tried += 1
    assert refused + kept == tried
    assert min(refused, kept) > 0


def test_damage_is_refused_or_changes_nothing(run: tuple[Path, Dataset], tmp_path: Path) -> None:
    check(run, tmp_path, count=2, tries_to_resume=0)


@pytest.mark.more
def test_much_damage_is_refused_or_changes_nothing(run: tuple[Path, Dataset], tmp_path: Path) -> None:
    check(run, tmp_path, count=40, tries_to_resume=12)


@pytest.mark.parametrize("name", ["scores.json", "layers.json", "record.jsonl", "config.toml", "data.json"])
def test_a_report_is_not_made_of_changed_numbers(tmp_path: Path, name: str) -> None:
    """A digit of any number, or a letter of any name, is another: the page says which file, and what to do."""
    folder, draw = tmp_path / "run", random.Random(name)
    trained(*table(), folder)
    shutil.copytree(folder, tmp_path / "whole")
    content = (folder / name).read_text()
    places = [k for k, letter in enumerate(content) if letter.isalnum()]
    for place in draw.sample(places, 8):
        other = "1" if content[place] != "1" else "2"
        (folder / name).write_text(content[:place] + other + content[place + 1 :])
        if name == "config.toml" and read_toml_or_none(folder / name) == read_toml(tmp_path / "whole" / name):
            continue  # a comment, or a digit beyond what a number holds
        if name != "config.toml" and plain(folder / name) == plain(tmp_path / "whole" / name):
            continue
        with pytest.raises(RunError, match=name) as caught:
            write_report(folder)
        assert caught.value.remedy


def read_toml_or_none(path: Path) -> object:
    try:
        return read_toml(path)
    except ValueError:
        return None


def plain(path: Path) -> object:
    try:
        return (
            [json.loads(line) for line in path.read_text().splitlines()]
            if path.suffix == ".jsonl"
            else json.loads(path.read_text())
        )
    except ValueError:
        return None


@pytest.mark.parametrize("name", ["config.toml", "data.json"])
def test_files_of_another_run_are_refused(tmp_path: Path, name: str) -> None:
    """Whole, and of a net and data of the same sizes: only the weights know that they are others."""
    for seed, folder in enumerate((tmp_path / "one", tmp_path / "other")):
        activation = ("relu", "tanh")[seed]
        plan = recipe(MLPSpec(hidden=(4,), activation=activation))
        trained(plan, make_toy((5,), 3, (60, 15, 15), seed), folder)
    shutil.copy(tmp_path / "other" / name, tmp_path / "one" / name)
    with pytest.raises(RunError, match=f"{name}: expected the file by which the weights beside it were learned"):
        api.load(tmp_path / "one")
    with pytest.raises(RunError, match=r"config.toml|other data"):
        sessions.resume(tmp_path / "one", sessions.read_recipe(tmp_path / "one"), make_toy((5,), 3, (60, 15, 15)))


def test_settings_changed_on_the_way_are_no_damage(tmp_path: Path) -> None:
    """Cut off between the new recipe and the first weights learned by it, and after them."""
    plan, data = table()
    trained(plan, data, tmp_path / "r")
    before = answers(tmp_path / "r", data)
    for epochs, lr in itertools.product((3, 4), (0.1, 0.01)):
        changes = {"epochs": epochs, "optimizer": {"lr": lr}}
        changed = sessions.read_recipe(tmp_path / "r", changes)
        sessions.resume(tmp_path / "r", changed, data).open_folder()  # and dies here
        np.testing.assert_array_equal(answers(tmp_path / "r", data), before)
    list(sessions.resume(tmp_path / "r", sessions.read_recipe(tmp_path / "r"), data).events())
    assert api.load(tmp_path / "r").recipe.optimizer == Optimizer(lr=0.01)
    assert api.load(tmp_path / "r").recipe.augmentation == Augmentation()


def test_a_run_of_an_earlier_version_is_refused_in_words(tmp_path: Path) -> None:
    plan, data = table()
    trained(plan, data, tmp_path / "r")
    path = tmp_path / "r" / "config.toml"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if line[0] != "#"))
    with pytest.raises(RunError, match=r"comes from an earlier version; .* neurarium train --config"):
        api.load(tmp_path / "r")


def test_last_weights_are_not_replaced_by_the_best(tmp_path: Path) -> None:
    """Asked for the last weights, a run whose file of them is damaged answers by the last ones that it saved."""
    plan, data = table()
    trained(plan, data, tmp_path / "r")
    before = answers(tmp_path / "r", data)
    (tmp_path / "r" / "weights.safetensors").write_bytes(b"damaged")
    np.testing.assert_array_equal(answers(tmp_path / "r", data), before)
    assert api.load(tmp_path / "r").notices[0].endswith("using the last weights of the newest checkpoint")
    newest = saved_steps(tmp_path / "r" / "checkpoints")[0]
    kept = load_checkpoint(newest).tensors
    assert any(not torch.equal(kept[f"net/{n.removeprefix('best/')}"], t) for n, t in kept.items() if n[:4] == "best")
