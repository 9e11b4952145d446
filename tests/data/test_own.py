import pandas as pd
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

from neurarium.checks import DataError
from neurarium.data.iterated import Iterated
from neurarium.data.loaded import Loaded
from neurarium.data.own import Own, dataset_from
from neurarium.data.plan import in_order

X, Y = torch.randn(40, 1, 5, 4, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 4
PAIRS = TensorDataset(X, Y)


class Rows(IterableDataset):
    def __iter__(self):
        return iter([(x, int(y)) for x, y in zip(X, Y, strict=True)])


def doubled(items):
    xs, ys = zip(*items, strict=True)
    return 2 * torch.stack(xs), torch.stack(ys)


def items_of(own):
    batches = [next(in_order(part, 40)) for part in own.dataset.parts().values() if len(part)]
    return torch.cat([batch.x for batch in batches]), torch.cat([batch.labels for batch in batches])


def assert_complete(own, factor=1):
    """Every item is there once, with its label, as it came."""
    found, labels = items_of(own)
    assert len(found) == 40
    for x, y in zip(found, labels, strict=True):
        (k,) = [k for k in range(40) if torch.equal(factor * X[k], x)]
        assert y == Y[k]


def test_a_data_set_is_itself(vectors):
    assert dataset_from(vectors) == Own(vectors, None, ())


@pytest.mark.parametrize("convert", [lambda t: t, lambda t: t.numpy()])
def test_pairs(convert):
    own = dataset_from((convert(X), convert(Y)))
    assert (own.batch_size, own.notices) == (None, ())
    assert own.dataset.counts() == {"train": 32, "validation": 4, "test": 4}
    assert own.dataset.schema.input.standardized


def test_frames():
    frame = pd.DataFrame({"w": range(40), "h": [0.5 * k for k in range(40)], "kind": ["a", "b"] * 20})
    own = dataset_from(frame, target="kind")
    assert own.dataset.schema.input.names == ("w", "h")
    assert own.dataset.schema.classes == ("a", "b")
    with pytest.raises(DataError, match="target: expected a column of w, h, kind, got none; say which column"):
        dataset_from(frame)


def test_map_style_data_sets_are_loaded_and_divided():
    own = dataset_from(PAIRS)
    assert isinstance(own.dataset.train, Loaded)
    assert own.dataset.counts() == {"train": 32, "validation": 4, "test": 4}
    for part, each in zip(own.dataset.parts().values(), (8, 1, 1), strict=True):
        assert part.target("label").bincount().tolist() == [each] * 4
    assert own.dataset.name == "TensorDataset"
    assert own.dataset.provenance == (
        "PyTorch data set TensorDataset; validation and test held out from training examples, stratified, fixed seed"
    )
    assert own.notices == ("inputs of a PyTorch data set are taken as they come, not standardized",)
    assert own.batch_size is None
    assert_complete(own)
    assert dataset_from(PAIRS).dataset.fingerprint() == own.dataset.fingerprint()
    assert dataset_from(TensorDataset(X, (Y + 1) % 4)).dataset.fingerprint() != own.dataset.fingerprint()


def test_named_classes_are_found_through_subsets():
    named = TensorDataset(X, Y)
    named.classes = ["a", "b", "c", "d", "e"]
    for data in (named, Subset(named, range(40)), random_split(named, [40])[0]):
        own = dataset_from(data)
        assert own.dataset.schema.classes == ("a", "b", "c", "d", "e")
        assert own.dataset.provenance.endswith("training examples, stratified, fixed seed")
        assert own.dataset.counts() == {"train": 32, "validation": 4, "test": 4}
        assert_complete(own)


def test_other_data_sets_of_pytorch():
    halves = ConcatDataset([Subset(PAIRS, range(20)), Subset(PAIRS, range(20, 40))])
    assert_complete(dataset_from(halves))


def test_dictionaries():
    items = [{"w": float(k), "h": 2.0 * k, "cost": 3.0 * k} for k in range(40)]

    class Records(torch.utils.data.Dataset):
        def __len__(self):
            return 40

        def __getitem__(self, k):
            return items[k]

    own = dataset_from(Records(), target="cost")
    assert (list(own.dataset.schema.inputs), own.dataset.schema.classes) == (["w", "h"], ("cost",))
    batch = own.dataset.train.gather(torch.tensor([3]))
    assert batch.labels.item() == 3 * batch.x.item()
    assert dataset_from(DataLoader(Records(), batch_size=5), target=["cost", "h"]).dataset.schema.targets.keys() == {
        "cost",
        "h",
    }


def test_loaders_give_data_collate_function_and_batch_size():
    own = dataset_from(DataLoader(PAIRS, batch_size=16, collate_fn=doubled))
    assert own.batch_size == 16
    assert own.notices[0] == (
        "the order is drawn from the run's seed: the SequentialSampler of the DataLoader is not used"
    )
    assert own.notices[1:] == dataset_from(PAIRS).notices
    assert_complete(own, factor=2)


@pytest.mark.parametrize(
    ("options", "notices", "batch_size"),
    [
        ({"shuffle": True, "batch_size": 8}, ["the RandomSampler of the DataLoader is not used"], 8),
        ({"sampler": WeightedRandomSampler([1.0] * 40, 40)}, ["the WeightedRandomSampler of the DataLoader"], 1),
        ({"batch_sampler": BatchSampler(RandomSampler(PAIRS), 8, False)}, ["the BatchSampler of the DataLoader"], None),
        ({"batch_size": 8, "num_workers": 2}, ["the Sequential", "items are read without the 2 workers of the"], 8),
        ({"batch_size": 8, "drop_last": True}, ["the Sequential", "the last, smaller batch is not dropped"], 8),
    ],
)
def test_what_of_a_loader_is_not_used_is_said(options, notices, batch_size):
    own = dataset_from(DataLoader(PAIRS, **options))
    assert own.batch_size == batch_size
    for part, notice in zip(notices, own.notices[:-1], strict=True):
        assert part in notice
    assert_complete(own)


def test_loaders_over_lists():
    assert_complete(dataset_from(DataLoader([(x, int(y)) for x, y in zip(X, Y, strict=True)], batch_size=4)))


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: DataLoader(data, batch_size=8, collate_fn=None)])
def test_iterable_data_sets_come_as_they_are(wrap):
    own = dataset_from(wrap(Rows()))
    assert isinstance(own.dataset.train, Iterated)
    assert own.dataset.counts() == {"train": 40, "validation": 0, "test": 0}
    assert own.notices == (
        "inputs of a PyTorch data set are taken as they come, not standardized",
        "an iterable data set cannot be rewound: a resumed run does not continue exactly",
        "nothing is held out of an iterable data set: it has no validation or test part",
    )
    assert own.batch_size == (8 if isinstance(wrap(Rows()), DataLoader) else None)
    assert torch.equal(items_of(own)[0], X)
    assert not list(in_order(own.dataset.test, 8))
    assert own.dataset.test.target("label").tolist() == []
    assert own.dataset.fingerprint() == dataset_from(wrap(Rows())).dataset.fingerprint()


@pytest.mark.parametrize(
    ("data", "target", "message"),
    [
        (X, None, r"data: expected a Dataset, a pair \(X, y\), .*, got type Tensor; give \(X, y\), or load a file"),
        ((X, Y, Y), None, "got type tuple of length 3"),
        ("digits.csv", None, "got type str"),
        ((X, Y), "label", "target: expected a pandas DataFrame, or a PyTorch data set of dictionaries, got type tuple"),
        (
            DataLoader(PAIRS, batch_size=None),
            None,
            "DataLoader: expected one that makes batches of items, got batch_size",
        ),
        (TensorDataset(X, Y * 0), None, "data: expected two classes or more, got only '0'; add examples"),
        (TensorDataset(X[:0], Y[:0]), None, "data: expected at least one example, got an empty data set"),
        (PAIRS, "label", "target: expected a key of items that are dictionaries, got items of type list"),
    ],
)
def test_what_no_data_set_can_be_made_of(data, target, message):
    with pytest.raises(DataError, match=message):
        dataset_from(data, target=target)
