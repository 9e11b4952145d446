"""Small tables that every course knows, as scikit-learn ships them: nothing is downloaded.

| name | examples | features | to predict |
|---|---|---|---|
| iris | 150 | 4 lengths in cm | 3 species |
| iris-two | 100 | the same | setosa or versicolor, which a hyperplane separates |
| wine | 178 | 13 chemical measurements | 3 growers |
| digits | 1,797 | 64 gray levels 0 to 16 (8 x 8 pixels) | 10 digits |
| breast-cancer | 569 | 30 measurements of cell nuclei | malignant or benign |
| diabetes | 442 | 10 measurements of patients | progression of the disease after a year, 25 to 346 |

The target of diabetes is a number, those of the others are classes. All are divided 80/10/10, classes
stratified, by a fixed seed.

Sources: R. Fisher, "The use of multiple measurements in taxonomic problems", 1936 (iris); M. Forina et al., PARVUS,
1991 (wine); E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", 1998 (its test part); W. Wolberg, O.
Mangasarian, N. Street, "Breast cancer Wisconsin (diagnostic)", 1995; B. Efron, T. Hastie, I. Johnstone, R. Tibshirani,
"Least angle regression", 2004 (diabetes).
"""

from functools import partial
from typing import Any

import numpy as np
import torch

from neurarium.checks import DataError, choose
from neurarium.data.arrays import as_inputs, input_fields
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.numbers import number_fields
from neurarium.data.table import Table
from neurarium.record.schema import Schema

_UCI = "UCI machine learning repository"
TABLES = {
    "iris": ("load_iris", "R. Fisher, 1936"),
    "wine": ("load_wine", "M. Forina et al., 1991; UCI machine learning repository"),
    "digits": ("load_digits", "E. Alpaydin, C. Kaynak, 1998; UCI machine learning repository, its test part"),
    "breast-cancer": ("load_breast_cancer", f"W. Wolberg, O. Mangasarian, N. Street, 1995; {_UCI}"),
    "diabetes": ("load_diabetes", "B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, 2004"),
    "iris-two": ("load_iris", "R. Fisher, 1936; setosa and versicolor alone"),
}


def load(name: str, folder: str | None = None) -> Dataset:
    """Return one of the tables above; a `DataError` where scikit-learn is not installed.

    Example:
        >>> load("iris").counts()
        {'train': 120, 'validation': 15, 'test': 15}
    """
    loader, provenance = choose(name, TABLES, "data")
    table = _read(name, loader)
    provenance += ", as shipped with scikit-learn"
    inputs = as_inputs(table.data, name)
    features = input_fields(tuple(inputs.shape[1:]), tuple(map(str, table.feature_names)))
    if name == "diabetes":
        schema = Schema(features, number_fields(["progression"]))
        numbers = Table((inputs,), (torch.from_numpy(table.target)[:, None],), schema)
        return assemble(name, {"train": numbers}, provenance=provenance)
    classes = tuple(map(str, table.target_names))[: 2 if name == "iris-two" else None]
    targets = torch.from_numpy(table.target.astype(np.int64))
    chosen = targets < len(classes)
    examples = Table((inputs[chosen],), (targets[chosen],), Schema(features, class_fields(classes)))
    license = "CC BY 4.0, as stated by the UCI machine learning repository"
    return assemble(name, {"train": examples}, provenance=provenance, license=license)


iris, wine, digits, breast_cancer, diabetes, iris_two = (partial(load, name) for name in TABLES)


def _read(name: str, loader: str) -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        got, remedy = "no such package", "pip install 'neurarium[sklearn]'"
        raise DataError(f"data {name}", expected="scikit-learn, which ships it", got=got, remedy=remedy) from error
    # unscaled: the house's own scaling is fitted on the training examples alone
    return getattr(datasets, loader)(**({"scaled": False} if name == "diabetes" else {}))
