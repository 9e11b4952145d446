"""Pictures of what a net has learnt, kept in the run folder: a PNG each, and `pictures.json` with what they show."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from neurarium.checks import RunError
from neurarium.record.files import write_atomic
from neurarium.report import markup
from neurarium.report.curves import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INDEX = "pictures.json"


class Plate(NamedTuple):
    """A picture and its words.

    Attributes:
        name: of its file, without ending.
        title: over its section in the report.
        words: what there is to see, a sentence or two.
        figure: the picture.
    """

    name: str
    title: str
    words: str
    figure: "Figure"


class Listed(NamedTuple):
    """What `pictures.json` says of a picture."""

    name: str
    title: str
    words: str


def save_plates(plates: Sequence[Plate], folder: Path) -> None:
    """Write pictures and their words into a run folder, in place of those that are there.

    Raises:
        StorageError: a file cannot be written.
    """
    entries = []
    for plate in plates:
        save_figure(plate.figure, folder / f"{plate.name}.png")
        entries.append({"name": plate.name, "title": plate.title, "words": plate.words})
    write_atomic(folder / _INDEX, json.dumps(entries, indent=1))


def plates(folder: Path) -> list[Listed]:
    """Names and words of the pictures that a run folder lists.

    Raises:
        RunError: the list is damaged.
    """
    index = folder / _INDEX
    if not index.exists():
        return []
    try:
        return [Listed(str(e["name"]), str(e["title"]), str(e["words"])) for e in json.loads(index.read_bytes())]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            str(index), expected="a list of pictures", got="a damaged file", remedy="remove it and evaluate anew"
        ) from error


def plate_sections(folder: Path) -> dict[str, str]:
    """A section of the report for each picture of a run folder that is there, by its title.

    Raises:
        RunError: the list of pictures is damaged.
    """
    sections = {}
    for name, title, words in plates(folder):
        path = folder / f"{name}.png"
        if path.exists():
            parts = [markup.paragraph(words), markup.photograph(path.read_bytes(), title)]
            sections[title] = markup.section(f"picture-{markup.slug(name)}", title, parts)
    return sections
