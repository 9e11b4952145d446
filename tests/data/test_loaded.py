import pytest
import torch
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import TensorDataset, default_collate

from neurarium.checks import DataError
from neurarium.data.collated import Collated
from neurarium.data.loaded import Loaded
from neurarium.data.plan import grouped, in_order, plan
from neurarium.record.schema import Field, Schema

X = torch.randn(30, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.arange(30) % 4
PLAIN = Collated(default_collate)


class Counted(TorchDataset):
    """Items that count how often they are fetched."""

    def __init__(self, classes=None):
        self.fetched = 0
        if classes:
            self.classes = classes

    def __len__(self):
        return 30

    def __getitem__(self, k):
        self.fetched += 1
        return X[k], int(Y[k])


def test_gathering_equals_a_loop_over_items():
    loaded = Loaded.over(TensorDataset(X, Y), PLAIN)
    index = [7, 0, 7, 29]
    batch = loaded.gather(torch.tensor(index))
    for row, k in enumerate(index):
        assert torch.equal(batch.x[row], X[k].float())
        assert batch.labels[row] == Y[k]
    assert (batch.size, batch.names, batch.index.tolist()) == (4, ("features", "label"), index)
    assert loaded.schema.target == Field((), categories=tuple("0123"))
    assert loaded.schema.input == Field((3,), value_range=(X.float().min().item(), X.float().max().item()))


def test_batches_come_in_the_order_planned():
    loaded = Loaded.over(TensorDataset(X, Y), PLAIN)
    order = plan(30, 8, seed=1, epoch=2)
    for index, group in zip(order, grouped(loaded, order, 3), strict=True):
        assert torch.equal(torch.cat([part.x for part in group]), X[index].float())
    assert torch.equal(torch.cat([batch.labels for batch in in_order(loaded, 7)]), Y)


def test_selected_examples_are_those_of_the_whole():
    part = Loaded.over(TensorDataset(X, Y), PLAIN).select(torch.tensor([9, 4, 6])).select(torch.tensor([2, 0]))
    assert len(part) == 2
    assert torch.equal(part.gather(torch.tensor([1, 0])).x, X[[9, 6]].float())
    assert part.target("label").tolist() == [2, 1]
    assert torch.equal(torch.cat(list(part.pieces("features"))), X[[6, 9]].float())
    empty = part.select(torch.empty(0, dtype=torch.int64))
    batch = empty.select(torch.empty(0, dtype=torch.int64)).to("cpu")
    assert len(batch) == 0
    assert not list(empty.pieces("features"))
    assert part.gather(torch.empty(0, dtype=torch.int64)).x.shape == (0, 3)


def test_named_classes_are_taken_and_all_items_looked_at_once():
    data = Counted(["a", "b", "c", "d", "never seen"])
    loaded = Loaded.over(data, Collated(default_collate, classes=tuple(data.classes)))
    assert loaded.schema.classes == ("a", "b", "c", "d", "never seen")
    one, two = loaded.select(torch.arange(10)), loaded.select(torch.arange(10, 30))
    data.fetched = 0
    assert one.target("label").tolist() == Y[:10].tolist()
    assert two.target("label").tolist() == Y[10:].tolist()
    assert data.fetched == 0  # known from the first pass


def test_targets_found_in_the_pass_are_not_looked_for_again():
    data = Counted()
    loaded = Loaded.over(data, PLAIN)
    assert data.fetched == 30
    assert torch.equal(loaded.target("label"), Y)
    assert torch.equal(torch.cat(list(loaded.select(torch.tensor([3, 2])).chunks())), torch.tensor([3, 2, 3, 2]))
    assert data.fetched == 30


def test_another_schema_scales_and_numbers_anew():
    learned = Schema(
        {"x": Field((3,), mean=(1.0, 2.0, 3.0), std=(2.0, 2.0, 2.0))}, {"y": Field((), categories=tuple("3210"))}
    )
    seen = Loaded.over(TensorDataset(X, Y), PLAIN).with_schema(learned)
    batch = seen.gather(torch.tensor([5]))
    torch.testing.assert_close(batch.x[0], ((X[5] - torch.tensor([1, 2, 3])) / 2).float())
    assert batch.labels.item() == 2
    assert seen.target("y").tolist() == [3 - k % 4 for k in range(30)]
    assert torch.equal(torch.cat(list(seen.pieces("x"))), X.float())
    # once more, from the items as they come and not from what was restated
    again = seen.with_schema(Schema({"x": Field((3,))}, {"y": Field((), categories=tuple("0123"))}))
    assert again.gather(torch.tensor([5])).labels.item() == 1
    with pytest.raises(DataError, match=r"field y: .* got '3'"):
        seen.with_schema(Schema({"x": Field((3,))}, {"y": Field((), categories=tuple("012"))})).target("y")
    with pytest.raises(DataError, match="field features: expected 4 of numbers"):
        seen.with_schema(Schema({"x": Field((4,))}, learned.targets))


def test_numbers_are_rows():
    loaded = Loaded.over([(X[k], float(k)) for k in range(30)], PLAIN)
    assert loaded.schema.target == Field((1,), names=("target",))
    assert loaded.gather(torch.tensor([4, 2])).labels.tolist() == [[4.0], [2.0]]
    learned = Schema(loaded.schema.inputs, {"target": Field((1,), mean=(10.0,), std=(2.0,))})
    assert loaded.with_schema(learned).target("target")[14].item() == 2.0


def test_items_without_targets():
    loaded = Loaded.over(TensorDataset(X), PLAIN)
    batch = loaded.gather(torch.tensor([3]))
    assert (batch.targets, batch.names) == ((), ("features",))
    assert len(list(loaded.chunks())) == 1


def test_targets_that_vary_in_size_are_flat():
    def padded(items):
        rows = [torch.arange(length) for _, length in items]
        inputs = torch.tensor([[float(length)] for _, length in items])
        return inputs, torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)

    loaded = Loaded.over([(None, length) for length in (2, 3, 1)], Collated(padded))
    assert loaded.schema.target == Field((None,), categories=("0", "1", "2"), axis="label_length")
    assert loaded.gather(torch.tensor([2, 0])).labels.tolist() == [[0, -1], [0, 1]]
    assert sorted(loaded.select(torch.tensor([0, 2])).target("label").tolist()) == [-1, 0, 0, 1]


def test_errors_of_the_items_themselves_are_not_hidden():
    class Broken(Counted):
        def __getitem__(self, k):
            raise FileNotFoundError("image 3")

    with pytest.raises(FileNotFoundError, match="image 3"):
        Loaded.over(Broken(), PLAIN)


def test_data_sets_without_items_or_length():
    class Endless(TorchDataset):
        def __getitem__(self, k):
            return X[0], 0

    with pytest.raises(
        DataError, match="data: expected a data set that knows its length, got Endless without a length"
    ):
        Loaded.over(Endless(), PLAIN)
    with pytest.raises(DataError, match="data: expected at least one example, got an empty data set"):
        Loaded.over(TensorDataset(X[:0]), PLAIN)


def test_to_moves_what_is_handed_over():
    loaded = Loaded.over(TensorDataset(X), PLAIN).to("meta")
    assert loaded.gather(torch.tensor([0])).x.device.type == "meta"
    assert loaded.device.type == "cpu"
