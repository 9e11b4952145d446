"""A file of a run folder is damaged: commands answer as before, or say what is wrong; never otherwise."""

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from attacks.trial import DAMAGES, PLAN, Trial, command, damage, outcome

COMMANDS = ("predict", "evaluate", "show", "compare", "report")
CUT_AT = 110  # updates; a checkpoint is saved every 25
OFTEN = (8, 8, 4, 2, 1)
"""How often each is chosen; what draws takes long."""


def attack(workshop: Path, rng: random.Random) -> Iterator[Trial]:
    """Damage a finished run and one that was cut off, file by file."""
    from neurarium import api

    finished, cut, table = workshop / "finished", workshop / "cut", workshop / "flowers.csv"
    command("train", *PLAN, "--out", str(finished))
    rows = api.load_data("iris").test.inputs[0][:5].tolist()
    header = ",".join(f"x{k}" for k in range(len(rows[0])))
    table.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    cut_off(cut, finished)
    here = workshop / "run"
    answers = {}
    for name in COMMANDS:
        shutil.copytree(finished, here)
        answers[name] = answer(name, here, table)
        shutil.rmtree(here)
    shutil.copytree(cut, here)
    answers["resume"] = resumed(here)
    shutil.rmtree(here)
    while True:
        name = "resume" if rng.random() < 0.3 else rng.choices(COMMANDS, OFTEN)[0]
        original = cut if name == "resume" else finished
        shutil.copytree(original, here)
        file = rng.choice(sorted(path for path in here.rglob("*") if path.is_file()))
        kind = rng.choice(DAMAGES)
        damage(file, kind, rng)
        act: Callable[[], Any] = (
            (lambda: resumed(here)) if name == "resume" else (lambda name=name: answer(name, here, table))
        )
        found, problem = outcome(act)
        where = file.relative_to(here)
        if not problem and found not in ("refused", answers[name]):
            problem = "another answer, and no error"
        yield Trial(f"{group(where)}, {kind}", f"{name} with {where} {kind}: {problem}" if problem else "")
        shutil.rmtree(here)


def answer(name: str, run: Path, table: Path) -> Any:
    """What a command says of a run."""
    if name == "predict":
        out = run.with_name("answers.csv")
        out.unlink(missing_ok=True)
        said = command("predict", str(run), str(table), "--out", str(out))
        return said if said == "refused" else out.read_text()
    if name == "compare":
        return command("compare", str(run), str(run), "--out", str(run.with_name("curves.png")))
    if name == "report":
        said = command("report", str(run))
        return said if said == "refused" else (run / "scores.json").read_text()
    return command(name, str(run))


def cut_off(folder: Path, like: Path) -> None:
    """Leave a run like another, as a kill between two of its checkpoints does."""
    from neurarium import api
    from neurarium.training.session import read_recipe, start

    recipe = read_recipe(like)
    events = start(recipe, folder, api.data_of(recipe)).events()
    with contextlib.closing(events):  # type: ignore[type-var]
        for event in events:
            if getattr(event, "step", 0) == CUT_AT:
                break


def resumed(folder: Path) -> Any:
    """The weights with which a run ends that is resumed; what it draws plays no part here."""
    from neurarium import api

    drawn = ("save_figures", "save_figure", "plot", "write_report")
    with mock.patch.multiple(api, **dict.fromkeys(drawn, lambda *_, **__: None)):
        api.resume(folder, progress=False)
    return (folder / "weights.safetensors").read_bytes()


def group(file: Path) -> str:
    """What kind of file it is."""
    if file.parent.name == "checkpoints":
        return "a checkpoint"
    return {"weights": "weights", "best": "weights", "config": "settings", "data": "the schema of the data",
            "record": "the record", "scores": "scores"}.get(file.stem, "images and pages")  # fmt: skip
