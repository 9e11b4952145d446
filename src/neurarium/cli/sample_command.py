"""`neurarium sample RUN`: examples that a generator or a Boltzmann machine makes, or a text that goes on."""

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
    prompt: str | None = None,
    length: int = 200,
    temperature: float = 1.0,
    device: str | None = None,
) -> int:
    """Make examples like those of the training data, or write on after a text.

    Args:
        folder: the run folder of a gan, a dcgan or an rbm; for a text of a recurrent language model.
        count: how many examples.
        seed: which ones.
        steps: of Gibbs sampling, for an rbm.
        out: a .png with all images in a grid, or an .npz with the examples under the key X, in the units of the data.
        prompt: how a text begins; it is printed with what follows.
        length: characters or words to write after the prompt.
        temperature: below 1 the likely is preferred, above 1 anything goes.
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
    from neurarium.tasks.language_model import LanguageModel

    if prompt is not None:
        trained = api.load(folder, device=device)
        task = trained.task()
        if not isinstance(task, LanguageModel):
            expected, got = "a run of a language model, as of genesis-lstm", f"one of the task {task.name}"
            raise ConfigError("run", expected=expected, got=got, remedy="leave --prompt out")
        written = task.write(trained.model, prompt, length, temperature, seed)
        joint = "" if all(len(token) == 1 for token in task.classes) else " "
        Console(highlight=False, soft_wrap=True, markup=False).print(f"{prompt}{joint}{written}")
        return 0
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
