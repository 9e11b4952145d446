import torch

from neurarium.data import nested_brackets


def test_depths_are_those_of_a_count_by_pairs() -> None:
    """Another way: a sign is as deep as there are pairs of brackets around it, its own included."""
    data = nested_brackets.load()
    assert data.counts() == {"train": 3_200, "validation": 400, "test": 400}
    names = data.schema.input.categories
    batch = data.test.gather(torch.arange(100))
    for row, length, labels in zip(*batch.inputs, batch.labels, strict=True):
        signs = "".join(names[k] for k in row[:length].tolist())
        waiting, pairs = [], []
        for place, sign in enumerate(signs):
            if sign == "(":
                waiting.append(place)
            elif sign == ")":
                pairs.append((waiting.pop(), place))
        assert not waiting
        around = [sum(a <= place <= b for a, b in pairs) for place in range(len(signs))]
        assert around == labels[:length].tolist()
        assert bool((labels[length:] == -1).all())


def test_every_depth_occurs_and_rows_are_as_long_as_said() -> None:
    data = nested_brackets.load()
    assert torch.bincount(data.train.target("depth"), minlength=7).min() > 100
    sizes = data.train.sizes()
    assert (int(sizes.min()), int(sizes.max())) == (8, 40)
