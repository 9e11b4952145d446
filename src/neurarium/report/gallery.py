"""The pictures that a run folder lists in `pictures.json`, as sections of its report."""

import json
from pathlib import Path
from typing import NamedTuple

from neurarium.checks import RunError
from neurarium.report.render import Section, render, slug

INDEX = "pictures.json"


class Listed(NamedTuple):
    """What `pictures.json` says of a picture.

    Attributes:
        name: of its file, without ending.
        words: what there is to see, a sentence or two.
        alone: whether it has a section of its own; others stand beside the numbers that they belong to.
    """

    name: str
    title: str
    words: str
    alone: bool = True


def pictures(folder: Path) -> list[Listed]:
    """The pictures that a run folder lists and holds. Raises RunError: the list is damaged."""
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
            str(index), expected="a list of pictures", got="a damaged file", remedy="remove it and evaluate anew"
        ) from error
    return [picture for picture in listed if (folder / f"{picture.name}.png").exists()]


def read_picture(folder: Path, name: str) -> bytes | None:
    """The PNG of a picture that a run folder lists; none where it does not. Raises RunError: the list is damaged."""
    found = any(picture.name == name for picture in pictures(folder))
    return (folder / f"{name}.png").read_bytes() if found else None


def picture_sections(folder: Path) -> list[Section]:
    """A section of the report for each picture that stands alone. Raises RunError: the list is damaged."""
    return [
        Section(
            f"picture-{slug(name)}",
            title,
            title,
            render("picture.html", words=words, png=(folder / f"{name}.png").read_bytes(), about=title),
        )
        for name, title, words, alone in pictures(folder)
        if alone
    ]
