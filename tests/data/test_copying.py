import pytest
import torch

from neurarium.data import copying


@pytest.mark.parametrize("length", [1, 10])
def test_the_last_steps_ask_for_the_first(length: int) -> None:
    data = copying.after_blank(length)(None)
    assert data.counts() == {"train": 10_000, "validation": 1_000, "test": 1_000}
    steps = length + 10
    tokens = torch.cat(list(data.test.pieces("tokens"))).view(1_000, steps)
    labels = data.test.target("copy").view(1_000, steps)
    names, letters = data.schema.input.categories, data.schema.target.categories
    assert names[: len(letters)] == letters
    assert torch.equal(labels[:, -5:], tokens[:, :5])
    assert bool((labels[:, :-5] == -1).all())
    between = "".join(names[k] for k in tokens[0, 5:].tolist())
    assert between == "_" * (length - 1) + "?" + "_" * 5
    assert torch.equal(tokens[:, 5:], tokens[:1, 5:].expand(1_000, -1))


def test_letters_are_drawn_evenly() -> None:
    labels = copying.after_blank(10)(None).train.target("copy")
    fractions = torch.bincount(labels[labels >= 0]).double() / 50_000
    torch.testing.assert_close(fractions, torch.full((8,), 1 / 8, dtype=torch.float64), rtol=0, atol=0.006)
