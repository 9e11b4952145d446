import sys

import numpy as np
import pytest
import torch
from sklearn import datasets

from neurarium.checks import ConfigError, DataError
from neurarium.data import scikit_tables
from neurarium.data.examples import Dense

SIZES = {
    "iris": (150, 4, ("setosa", "versicolor", "virginica")),
    "wine": (178, 13, ("class_0", "class_1", "class_2")),
    "digits": (1797, 64, tuple("0123456789")),
    "breast-cancer": (569, 30, ("malignant", "benign")),
    "diabetes": (442, 10, ("progression",)),
}


@pytest.mark.parametrize("name", SIZES)
def test_tables_are_whole_and_divided(name: str) -> None:
    examples, features, classes = SIZES[name]
    data = scikit_tables.load(name)
    assert data.shape == (features,)
    assert data.classes == classes
    assert sum(data.counts().values()) == examples
    assert data.counts()["test"] == data.counts()["development"] == round(examples / 10)
    inputs = data.train.gather(torch.arange(len(data.train))).inputs
    assert inputs.mean(0).abs().max() < 1e-5
    spread = inputs.std(0, correction=0)
    assert ((spread - 1).abs() < 1e-4).logical_or(spread == 0).all()
    assert data.fingerprint() == scikit_tables.load(name).fingerprint()


def test_rows_keep_their_targets() -> None:
    table = datasets.load_diabetes(scaled=False)
    answers = {tuple(row): target for row, target in zip(table.data, table.target, strict=True)}
    test = scikit_tables.diabetes().test
    assert isinstance(test, Dense)
    assert test.targets.shape == (44, 1)
    assert test.targets.dtype == torch.float32
    assert [answers[tuple(row)] for row in test.inputs.numpy()] == test.targets[:, 0].tolist()


def test_every_source_by_its_own_name() -> None:
    sources = (scikit_tables.iris, scikit_tables.wine, scikit_tables.digits, scikit_tables.breast_cancer)
    assert [source(None).name for source in sources] == ["iris", "wine", "digits", "breast-cancer"]
    assert np.unique(scikit_tables.wine().train.targets.numpy()).tolist() == [0, 1, 2]


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError, match=r"pip install 'neurarium\[sklearn\]'"):
        scikit_tables.load("iris")


def test_unknown_table() -> None:
    with pytest.raises(ConfigError, match="did you mean iris"):
        scikit_tables.load("irs")
