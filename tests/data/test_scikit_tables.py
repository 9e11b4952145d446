import sys

import numpy as np
import pytest
import torch
from sklearn import datasets

from neurarium.checks import ConfigError, DataError
from neurarium.data import scikit_tables
from neurarium.data.scaling import unscaled
from neurarium.data.table import Table

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
    assert (data.schema.input.shape, data.schema.classes) == ((features,), classes)
    loader = getattr(datasets, scikit_tables.TABLES[name][0])
    assert data.schema.input.names == tuple(map(str, loader().feature_names))
    assert sum(data.counts().values()) == examples
    assert data.counts()["test"] == data.counts()["validation"] == round(examples / 10)
    inputs = data.train.gather(torch.arange(len(data.train))).x
    assert inputs.mean(0).abs().max() < 1e-5
    spread = inputs.std(0, correction=0)
    assert ((spread - 1).abs() < 1e-4).logical_or(spread == 0).all()
    assert data.fingerprint() == scikit_tables.load(name).fingerprint()


def test_rows_keep_their_targets() -> None:
    table = datasets.load_diabetes(scaled=False)
    answers = {tuple(row): target for row, target in zip(table.data, table.target, strict=True)}
    data = scikit_tables.diabetes()
    test, stored = data.test, data.test.target("progression")
    assert isinstance(test, Table)
    assert (stored.shape, stored.dtype) == ((44, 1), torch.float32)
    numbers = unscaled(stored, data.schema.target)[:, 0]
    assert torch.allclose(numbers, torch.tensor([answers[tuple(row)] for row in test.inputs[0].numpy()]).float())
    learned = data.train.target("progression")
    assert learned.mean().abs() < 1e-6
    assert abs(learned.std(correction=0).item() - 1) < 1e-6


def test_two_species_are_parted_by_the_length_of_the_petal() -> None:
    data = scikit_tables.iris_two()
    assert (data.schema.classes, sum(data.counts().values())) == (("setosa", "versicolor"), 100)
    for part in data.parts().values():
        assert isinstance(part, Table)
        # No petal of setosa is longer than 1.9 cm, none of versicolor shorter than 3.0 cm.
        assert torch.equal(part.inputs[0][:, 2] > 2.5, part.target("label") == 1)


def test_every_source_by_its_own_name() -> None:
    sources = (scikit_tables.iris, scikit_tables.wine, scikit_tables.digits, scikit_tables.breast_cancer)
    assert [source(None).name for source in sources] == ["iris", "wine", "digits", "breast-cancer"]
    assert np.unique(scikit_tables.wine().train.target("label").numpy()).tolist() == [0, 1, 2]


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError, match=r"pip install 'neurarium\[sklearn\]'"):
        scikit_tables.load("iris")


def test_unknown_table() -> None:
    with pytest.raises(ConfigError, match="did you mean iris"):
        scikit_tables.load("irs")
