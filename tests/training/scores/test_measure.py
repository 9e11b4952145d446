import json

import pytest

from neurarium.nets.catalogue import NETS
from neurarium.training.scores.measure import Measure, Measured, task_of


def test_the_task_follows_purpose_and_targets() -> None:
    assert [task_of("prediction", "classes"), task_of("prediction", "numbers")] == ["classification", "regression"]
    for purpose in ("reconstruction", "density", "generation", "recall"):
        assert task_of(purpose, "classes") == task_of(purpose, "numbers") == purpose
    tasks = {name: task_of(spec.purpose, "classes") for name, spec in NETS.items()}
    others = {name: task for name, task in tasks.items() if task != "classification"}
    assert others == {
        "hopfield": "recall", "rbm": "density", "autoencoder": "reconstruction",
        "convolutional-autoencoder": "reconstruction", "gan": "generation", "dcgan": "generation",
    }  # fmt: skip


def test_survives_json_and_values_are_found_by_name() -> None:
    one = Measure("PSNR", 20.0, "nearness", "dB", baseline=18.0, against="components")
    other = Measure("RMSE", 3.0, "distance", higher_is_better=False)
    measured = Measured("reconstruction", 0.25, 7, (one, other))
    assert (measured.value("PSNR"), measured.value("RMSE")) == (20.0, 3.0)
    plain = json.loads(json.dumps(measured.to_plain()))
    assert (plain["task"], plain["objective"], plain["examples"]) == ("reconstruction", 0.25, 7)
    assert [Measure(**entry) for entry in plain["measures"]] == [one, other]
    with pytest.raises(StopIteration):
        measured.value("MAE")
