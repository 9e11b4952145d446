"""Files of a user's own with bytes changed, cut, repeated: they are read, or refused in a sentence."""

import gzip
import random
import resource
import signal
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from attacks.trial import Trial, mutated, outcome

SECONDS = 30
MEMORY = 4 << 30  # bytes beyond what is in use
NUMBERS = (b"nan", b"inf", b"-1", b"1e999", b"", b"\xff\xfe", b"\0", b"9" * 400, b"2026-02-30", b"\xe2\x80\xae")
TOKENS = {
    "csv": (*NUMBERS, b",", b";", b'"', b"\n", b"\r", b"\t", b"a,a,a\n", b"\xef\xbb\xbf"),
    "toml": (*NUMBERS, b"[", b"]", b"=", b'"""', b"'", b"[[net]]", b"none", b"true", b"{}", b"#", b"\\u0000"),
    "binary": (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"PK\x03\x04", b"{}", b"\x80\x04"),
}


def attack(workshop: Path, rng: random.Random) -> Iterator[Trial]:
    """Change one file after the other and read it."""
    readers = seeds(workshop)
    signal.signal(signal.SIGALRM, late)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, in_use + MEMORY))
    while True:
        name, (path, tokens, read) = rng.choice(list(readers.items()))
        whole = path.read_bytes()
        content = mutated(whole, tokens, rng)
        path.write_bytes(content)
        signal.alarm(SECONDS)
        found, problem = outcome(read)
        signal.alarm(0)
        path.write_bytes(whole)
        if not problem and found not in ("refused", None):
            problem = f"read with {found}"
        kept = Path(tempfile.gettempdir()) / f"fell-{name.replace(' ', '-')}-{path.name}"
        if problem:
            kept.write_bytes(content)  # to be looked at
        yield Trial(f"{name}, fuzzed", f"{kept}: {problem}" if problem else "")


def seeds(workshop: Path) -> dict[str, tuple[Path, tuple[bytes, ...], Callable[[], Any]]]:
    """Whole files by their kind: the one to change, what to change it into, and how it is read."""
    import safetensors.torch
    import torch
    from PIL import Image

    from neurarium import api
    from neurarium.nets.weights.reading import read_weights
    from neurarium.record.config import read_toml, write_toml
    from neurarium.training.recipe import recipe_from_plain, recipe_to_plain

    draw = np.random.default_rng(0)
    table = workshop / "table.csv"
    lines = [f"{a:.3f},{b},{'red' if k % 3 else 'blue'},{k % 2}" for k, (a, b) in enumerate(draw.normal(size=(40, 2)))]
    table.write_text("\n".join(["length,width,color,class", *lines]) + "\n")
    arrays = workshop / "arrays.npz"
    np.savez(arrays, x=draw.normal(size=(40, 3)).astype(np.float32), y=np.arange(40) % 2)
    idx = workshop / "idx"
    idx.mkdir()
    pixels, labels = draw.integers(0, 256, (40, 8, 8), dtype=np.uint8), (np.arange(40) % 2).astype(np.uint8)
    (idx / "train-images-idx3-ubyte").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes())
    (idx / "train-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 40) + labels.tobytes())
    packed = workshop / "packed"
    packed.mkdir()
    for file in idx.iterdir():
        (packed / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    images = workshop / "pictures"
    for k in range(20):
        file = images / "ab"[k % 2] / f"{k}.{('png', 'jpg', 'bmp', 'gif')[k % 4]}"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(file)
    settings = workshop / "config.toml"
    settings.write_text(write_toml(recipe_to_plain(api.recipe("mlp"))))
    weights, torchs = workshop / "weights.safetensors", workshop / "weights.pt"
    tensors = {"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3)}
    weights.write_bytes(safetensors.torch.save(tensors))
    torch.save(tensors, torchs)
    binary = TOKENS["binary"]

    def load(path: Path) -> Callable[[], Any]:
        return lambda: numbers_in(api.load_data(str(path)))

    def done(act: Callable[[], object]) -> Callable[[], None]:
        return lambda: act() and None

    return {
        "csv table": (table, TOKENS["csv"], load(table)),
        "npz arrays": (arrays, binary, load(arrays)),
        "idx images": (idx / "train-images-idx3-ubyte", binary, load(idx)),
        "idx labels": (idx / "train-labels-idx1-ubyte", binary, load(idx)),
        "idx images, packed": (packed / "train-images-idx3-ubyte.gz", binary, load(packed)),
        "png image": (images / "a" / "0.png", binary, load(images)),
        "jpg image": (images / "b" / "1.jpg", binary, load(images)),
        "gif image": (images / "b" / "3.gif", binary, load(images)),
        "toml settings": (
            settings, TOKENS["toml"], done(lambda: recipe_from_plain(read_toml(settings), base=api.recipe("mlp")))
        ),
        "safetensors weights": (weights, binary, done(lambda: read_weights(weights))),
        "torch weights": (torchs, binary, done(lambda: read_weights(torchs))),
    }  # fmt: skip


def numbers_in(dataset: Any) -> str | None:
    """What no data set that is taken may hold."""
    for part in (dataset.train, dataset.validation, dataset.test):
        for tensor in part.inputs:
            if tensor.is_floating_point() and not tensor.isfinite().all():
                return "numbers that are infinite or undefined"
    return None


def late(number: int, frame: object) -> None:
    """Raise what no reader catches."""
    raise SystemExit(f"nothing was answered within {SECONDS} s")
