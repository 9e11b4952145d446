import dataclasses
import json

import numpy as np
import pytest

from neurarium.tasks.prediction import Prediction, joined
from neurarium.tasks.scores import Metric, Scores


def test_survives_json_and_values_are_found_by_name() -> None:
    one = Metric("PSNR", 20.0, "nearness", "dB", baseline=18.0, against="components")
    other = Metric("RMSE", 3.0, "distance", higher_is_better=False, interval=(2.5, 3.5))
    arrays = {"answers": np.zeros(7)}
    scores = Scores("reconstruction", "test", "toy", 7, 0.25, (one, other), {"classes": ["a"]}, arrays)
    assert (scores.value("PSNR"), scores.value("RMSE")) == (20.0, 3.0)
    plain = json.loads(json.dumps(scores.to_plain()))
    assert (plain["task"], plain["split"], plain["data"], plain["loss"], plain["examples"]) == (
        "reconstruction", "test", "toy", 0.25, 7,
    )  # fmt: skip
    assert plain["classes"] == ["a"]
    assert "answers" not in plain
    read = [
        Metric(**{**entry, "interval": entry["interval"] and tuple(entry["interval"])}) for entry in plain["metrics"]
    ]
    assert read == [one, other]
    for ask in (lambda: scores.value("MAE"), lambda: scores.accuracy):
        with pytest.raises(KeyError):
            ask()
    assert dataclasses.replace(scores, metrics=(Metric("accuracy", 0.5, "fraction"),)).accuracy == 0.5


def test_answers_of_several_batches_are_joined() -> None:
    random = np.random.default_rng(0)
    parts = [
        Prediction(
            ("a", "b"), random.random((n, 2)), tuple("ab"[k % 2] for k in range(n)), (n,), {"f": np.ones((n, 3))}
        )
        for n in (1, 4, 2)
    ]
    whole = joined(parts)
    np.testing.assert_array_equal(whole.values, np.concatenate([part.values for part in parts]))
    assert whole.labels == ("a", "a", "b", "a", "b", "a", "b")
    assert whole.counts == (1, 4, 2)
    assert whole.others["f"].shape == (7, 3)
    assert len(whole) == 7
    assert joined(parts[:1]) is parts[0]


def test_texts_have_no_numbers() -> None:
    texts = joined(
        [Prediction((), np.zeros((2, 0), dtype=np.float32), ("x", "")), Prediction((), np.zeros((1, 0)), ("z",))]
    )
    assert (len(texts), texts.labels, texts.values.shape) == (3, ("x", "", "z"), (3, 0))
