"""The figures that a run folder lists in `figures.json`, as sections of its report."""

import json
from pathlib import Path
from typing import NamedTuple

from neurarium.checks import RunError
from neurarium.report.render import Section, render, slug

INDEX = "figures.json"


class Listed(NamedTuple):
    """What `figures.json` says of a figure.

    Attributes:
        name: of its file, without ending.
        words: what there is to see, a sentence or two.
        alone: whether it has a section of its own; others stand beside the numbers that they belong to.
    """

    name: str
    title: str
    words: str
    alone: bool = True


def figures(folder: Path) -> list[Listed]:
    """The figures that a run folder lists and holds. Raises RunError: the list is damaged."""
    index = folder / INDEX
    if not index.exists():
        return []
    try:
        listed = [
            Listed(str(e["name"]), str(e["title"]), str(e["words"]), bool(e["alone"]))
            for e in json.loads(index.read_bytes())
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            str(index), expected="a list of figures", got="a damaged file", remedy="remove it and evaluate anew"
        ) from error
    return [figure for figure in listed if (folder / f"{figure.name}.png").exists()]


def read_figure(folder: Path, name: str) -> bytes | None:
    """The PNG of a figure that a run folder lists; none where it does not. Raises RunError: the list is damaged."""
    found = any(figure.name == name for figure in figures(folder))
    return (folder / f"{name}.png").read_bytes() if found else None


def figure_sections(folder: Path) -> list[Section]:
    """A section of the report for each figure that stands alone. Raises RunError: the list is damaged."""
    return [
        Section(
            f"figure-{slug(name)}",
            title,
            title,
            render("figure.html", words=words, png=(folder / f"{name}.png").read_bytes(), about=title),
        )
        for name, title, words, alone in figures(folder)
        if alone
    ]
