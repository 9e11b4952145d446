import gzip
from importlib.resources import files

import torch

from neurarium.data import genesis


def test_is_the_whole_book_in_order() -> None:
    data = genesis.load()
    letters = data.schema.input.categories
    text = "".join("".join(letters[k] for k in part.tokens) for part in data.parts().values())  # type: ignore[attr-defined]
    assert text.startswith("In the beginning God created the heaven and the earth.\n")
    assert text.rstrip().endswith("they embalmed him, and he was put in a coffin in Egypt.")
    stored = gzip.decompress((files("neurarium.data") / "embedded" / "genesis.txt.gz").read_bytes()).decode()
    assert text == stored
    assert (len(letters), text.count("\n")) == (61, 1533)


def test_targets_are_the_next_characters() -> None:
    batch = genesis.load().train.gather(torch.tensor([0, 1]))
    assert torch.equal(batch.labels[:, :-1], batch.x[:, 1:])
    assert batch.labels[0, -1] == batch.x[1, 0]
