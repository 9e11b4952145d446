import json
from dataclasses import replace

import pytest
import torch

from neurarium.checks import RunError
from neurarium.data.assemble import assemble_numbers
from neurarium.data.examples import Dense
from neurarium.training.card import card_of, read_card


def written(folder, card):
    (folder / "data.json").write_text(json.dumps(card))
    return folder


def test_card_of_classes(vectors, tmp_path):
    card = card_of(vectors)
    assert card["targets"] is None
    assert (card["name"], card["shape"], card["classes"]) == ("toy", [12], ["class 0", "class 1", "class 2"])
    assert card["counts"] == {"train": 90, "development": 30, "test": 30}
    assert read_card(written(tmp_path, card)) == card


def test_card_of_numbers(tmp_path):
    y = torch.tensor([[10.0, 1.0], [30.0, 3.0], [10.0, 3.0], [30.0, 1.0]])
    data = assemble_numbers("toy", "vectors", {"train": Dense(y, y)}, ("price", "age"), source="made up")
    card = read_card(written(tmp_path, card_of(data)))
    assert card["targets"] == {"mean": [20.0, 2.0], "std": [10.0, 1.0]}
    assert card["classes"] == ["price", "age"]
    assert card == card_of(replace(data))


def test_card_of_an_older_run(vectors, tmp_path):
    older = card_of(vectors)
    del older["targets"]
    assert read_card(written(tmp_path, older)) == {**older, "targets": None}


def test_missing_and_damaged_cards(tmp_path):
    with pytest.raises(RunError, match=r"data\.json: expected a run's data card, got No such file"):
        read_card(tmp_path)
    (tmp_path / "data.json").write_text('{"name": ')
    with pytest.raises(RunError, match=r"data\.json: expected JSON, got a damaged file; train anew"):
        read_card(tmp_path)
