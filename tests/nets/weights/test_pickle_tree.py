import io
import pickle
from pathlib import Path

import pytest

from neurarium.nets.weights.pickle_tree import Foreign, read_tree


class Touches:
    """Unpickled by Python it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back(protocol: int) -> None:
    tree = {
        "a": [1, -70_000, 2**40, 0.5, None, True, False], "b": ("x", "Grüße", b"raw"),
        "c": {"d": (), "e": (1, 2, 3, 4)}, "f": [], "g": {}, "h": [7], "i": {3: 4}, "j": "x" * 300, "k": {1, 2},
    }  # fmt: skip
    if protocol < 4:  # there a call of `set` makes a set, and in the oldest one another makes bytes
        tree |= {"b": "Grüße", "k": None}
    assert read_tree(io.BytesIO(pickle.dumps(tree, protocol=protocol))) == tree


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_is_shared_stays_one(protocol: int) -> None:
    inner = [1]
    first, second = read_tree(io.BytesIO(pickle.dumps((inner, inner), protocol=protocol)))
    assert first is second


@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_in_a_file_is_called(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "made"
    data = pickle.dumps({"weights": Touches(target)}, protocol=protocol)
    tree = read_tree(io.BytesIO(data))
    assert isinstance(tree["weights"], Foreign)
    assert not target.exists()
    pickle.loads(data)
    assert target.exists()  # so that the test would have seen a call


@pytest.mark.parametrize("data", [b"", b"\x80\x02", b"garbage", b"\x80\x02}q\x00", b"\x80\x02K\x01R.", b"I1\n."])
def test_damage_is_no_tree(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError, KeyError, TypeError)):
        read_tree(io.BytesIO(data))
