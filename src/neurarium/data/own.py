"""A user's own data in memory, from arrays, data frames or PyTorch's data sets to a `Dataset`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, default_collate
from torch.utils.data import Dataset as TorchDataset

from neurarium.checks import DataError
from neurarium.data.collated import Collated
from neurarium.data.dataset import Dataset
from neurarium.data.iterated import Iterated
from neurarium.data.loaded import Loaded
from neurarium.data.own_arrays import dataset_of_frame, dataset_of_pair, is_pandas
from neurarium.data.split import tenths
from neurarium.record.schema import Schema

_AS_THEY_COME = "inputs of a PyTorch data set are taken as they come, not standardized"
_NO_REWIND = "an iterable data set cannot be rewound: a resumed run does not continue exactly"
_NO_PARTS = "nothing is held out of an iterable data set: it has no validation or test part"


@dataclass(frozen=True)
class Own:
    """A user's data, and what must be said about them.

    `notices`: what was done otherwise than PyTorch would, a sentence each.
    """

    dataset: Dataset
    batch_size: int | None = None
    notices: tuple[str, ...] = ()


def dataset_from(data: Any, *, target: str | Sequence[str] | None = None, like: Schema | None = None) -> Own:
    """Make a data set of what a user has.

    | data | what becomes of them |
    |---|---|
    | a `Dataset` | itself |
    | (X, y) of tensors, NumPy arrays or pandas objects | standardized; in y integers, text, truth values are classes |
    | a pandas DataFrame and `target` | the same; the other columns are the features, by their names |
    | a map-style PyTorch data set | items as they come (`Loaded`) |
    | an iterable PyTorch data set | items as they come, in their order (`Iterated`), nothing held out |
    | a PyTorch `DataLoader` | its data set, with its collate function and batch size |

    All but iterable ones are divided 80/10/10 by a fixed seed.

    Args:
        target: the column or columns of a DataFrame to predict, or the keys of items that are dictionaries.
        like: what a net has learned from that is to be measured on them: they are not divided, and columns of a
            DataFrame are found by their names.
    Raises DataError: none of these, or data that cannot be learned from.

    Example:
        >>> X, y = torch.arange(40.0).view(20, 2), torch.arange(20) % 2
        >>> own = dataset_from((X, y))
        >>> own.dataset.counts(), own.dataset.schema.classes
        ({'train': 16, 'validation': 2, 'test': 2}, ('0', '1'))
    """
    said = () if target is None else (target,) if isinstance(target, str) else tuple(target)
    if isinstance(data, DataLoader):
        return _of_loader(data, said, like is not None)
    if isinstance(data, TorchDataset):
        return _of_torch(data, Collated(default_collate, said, _classes(data)), like is not None)
    if is_pandas(data, "DataFrame"):
        return Own(dataset_of_frame(data, said, like))
    if said:
        expected = "a pandas DataFrame, or a PyTorch data set of dictionaries"
        raise DataError("target", expected=expected, got=f"type {type(data).__name__}", remedy="leave target out")
    if isinstance(data, Dataset):
        return Own(data)
    if isinstance(data, tuple) and len(data) == 2:
        return Own(dataset_of_pair(*data, like))
    expected = "a Dataset, a pair (X, y), a pandas DataFrame with target=, a PyTorch data set or DataLoader"
    got = f"type {type(data).__name__}" + (f" of length {len(data)}" if isinstance(data, tuple) else "")
    remedy = "give (X, y), or load a file with neurarium.data.catalog.load"
    raise DataError("data", expected=expected, got=got, remedy=remedy)


def _of_loader(loader: "DataLoader[Any]", said: tuple[str, ...], whole: bool) -> Own:
    if loader.batch_size is None and loader.batch_sampler is None:
        got, remedy = "batch_size=None", "give it a batch size, or the data set alone"
        raise DataError("DataLoader", expected="one that makes batches of items", got=got, remedy=remedy)
    own = _of_torch(loader.dataset, Collated(loader.collate_fn, said, _classes(loader.dataset)), whole)
    notices = []
    if not isinstance(loader.dataset, IterableDataset):
        sampler = type(loader.sampler if loader.batch_size is not None else loader.batch_sampler).__name__
        notices.append(f"the order is drawn from the run's seed: the {sampler} of the DataLoader is not used")
    if loader.num_workers:
        notices.append(f"items are read without the {loader.num_workers} workers of the DataLoader")
    if loader.drop_last:
        notices.append("the last, smaller batch is not dropped")
    return replace(own, batch_size=loader.batch_size, notices=(*notices, *own.notices))


def _of_torch(data: Any, collated: Collated, whole: bool) -> Own:
    name = type(data).__name__
    if isinstance(data, IterableDataset):
        stream = Iterated.over(data, collated)
        none = stream if whole else replace(stream, length=0)
        found = Dataset(name, stream, none, none, stream.schema, f"iterable PyTorch data set {name}")
        return Own(found, notices=(_AS_THEY_COME, *(() if whole else (_NO_REWIND, _NO_PARTS))))
    examples = Loaded.over(data, collated)
    if whole:
        found = Dataset(name, examples, examples, examples, examples.schema, f"PyTorch data set {name}")
        return Own(found, notices=(_AS_THEY_COME,))
    strata, how = _strata(examples)
    train, validation, test = (examples.select(index) for index in tenths(strata, 2))
    provenance = f"PyTorch data set {name}; validation and test held out from training examples, {how}"
    return Own(Dataset(name, train, validation, test, train.schema, provenance), notices=(_AS_THEY_COME,))


def _strata(examples: Loaded) -> tuple[Tensor, str]:
    """The classes of the examples where they are known already, to be held out in their fractions."""
    for name, field in examples.schema.targets.items():
        if field.categories and not field.shape and len(field.categories) < 2:
            got, remedy = f"only {field.categories[0]!r}", "add examples of a second class"
            raise DataError("data", expected="two classes or more", got=got, remedy=remedy)
        if field.categories and not field.shape and name in examples.known and int(examples.known[name].min()) >= 0:
            return examples.known[name], "stratified, fixed seed"
    return torch.zeros(len(examples), dtype=torch.int64), "fixed seed"


def _classes(data: Any) -> tuple[str, ...]:
    """Names of the classes, where the data set has them as those of torchvision do."""
    while isinstance(data, Subset):
        data = data.dataset
    classes = getattr(data, "classes", None)
    return tuple(map(str, classes)) if isinstance(classes, (list, tuple, np.ndarray)) else ()
