"""Pages from the templates of this package: whatever fills one is escaped, what comes out is not escaped again."""

import base64
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from neurarium.report.format import duration, many, percent, shape

if TYPE_CHECKING:
    from jinja2 import Environment


class Section(NamedTuple):
    """A part of a page.

    Attributes:
        name: where `#name` leads; unique in the page.
        body: HTML as `render` makes it; plain text is escaped.
    """

    name: str
    link: str
    title: str
    body: str


def render(template: str, **values: Any) -> str:
    """Fill a template; the HTML is a `markupsafe.Markup`, which other templates take as it is."""
    from markupsafe import Markup

    return Markup(_environment().get_template(template).render(values))


@cache
def _environment() -> "Environment":
    # only who writes a page waits for it
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("neurarium.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"percent": percent, "many": many, "duration": duration, "shape": shape}
    found.filters |= {"slug": slug, "unbroken": unbroken, "data_uri": _data_uri, "width": _width}
    return found


def slug(words: str) -> str:
    """Letters and digits alone, for a name within the page.

    Example:
        >>> slug("Gradient norm")
        'gradient-norm'
    """
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def unbroken(words: str) -> str:
    """The words, without a line end between a number and its unit."""
    return re.sub(r"(?<=\d) (?=(%|s|min|h|dB)(\W|$))", "\N{NO-BREAK SPACE}", words)


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _width(png: bytes) -> int:
    """Width of a figure on a page, in pixels of 1/96 inch."""
    from neurarium.report.plotting import DOTS_PER_INCH

    return int.from_bytes(png[16:20]) * 96 // DOTS_PER_INCH
