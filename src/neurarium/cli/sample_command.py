"""`neurarium sample RUN`: examples that a generator or a Boltzmann machine makes."""

from collections.abc import Sequence
from pathlib import Path

import tyro

from neurarium.cli.notices import tell
from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Make examples and say where they lie."""
    return parse(sample, "sample", arguments)


def sample(
    folder: tyro.conf.Positional[Path],
    /,
    count: int = 100,
    seed: int = 0,
    steps: int = 1000,
    out: Path = Path("samples.png"),
    device: str | None = None,
) -> int:
    """Make examples like those of the training data.

    Args:
        folder: the run folder of a gan, a dcgan or an rbm.
        count: how many examples.
        seed: which ones.
        steps: of Gibbs sampling, for an rbm.
        out: a .png with all images in a grid, or an .npz with the examples under the key X, in the units of the data.
        device: where to compute.
    """
    import io

    import numpy as np
    from rich.console import Console

    from neurarium import api
    from neurarium.checks import ConfigError
    from neurarium.record.files import write_atomic
    from neurarium.report.curves import save_figure
    from neurarium.report.samples import samples_figure

    if out.suffix not in (".png", ".npz"):
        raise ConfigError("out", expected="a .png or .npz file", got=str(out))
    trained = api.load(folder, device=device)
    tell(trained.notices)
    if out.suffix == ".png" and not trained.schema.input.is_image:
        raise ConfigError(
            "out", expected="an .npz file, as the examples are no images", got=str(out), remedy="--out samples.npz"
        )
    made = trained.sample(count, seed, steps)
    if out.suffix == ".png":
        save_figure(samples_figure(made, f"{count:,} examples made by {folder.resolve().name}"), out)
    else:
        content = io.BytesIO()
        np.savez_compressed(content, X=made.numpy())
        write_atomic(out, content.getvalue())
    Console(highlight=False, soft_wrap=True).print(f"{count:,} examples written to {out}")
    return 0
