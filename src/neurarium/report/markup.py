"""Pieces of a page as HTML text. Every piece escapes the plain text it is given; only `parts` are HTML already."""

import base64
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A cell that shows a share from 0 to 1 as a bar behind its text."""

    text: str
    share: float


Cell = str | Bar


def text(words: object) -> str:
    """Escape plain text.

    Example:
        >>> text('<b>"9"</b>')
        '&lt;b&gt;&quot;9&quot;&lt;/b&gt;'
    """
    return html.escape(str(words), quote=True)


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain text; no line is broken between a number and its percent sign."""
    return f"<p{_class(kind)}>{text(words.replace(' %', chr(0xA0) + '%'))}</p>"


def section(name: str, title: str, parts: Iterable[str]) -> str:
    """A section with a heading, to which `#name` leads."""
    return f'<section id="{text(name)}"><h2>{text(title)}</h2>\n' + "\n".join(parts) + "\n</section>"


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], foot: Sequence[str] = (), words: int = 1
) -> str:
    """A table whose first column names its rows.

    Args:
        caption: what it shows.
        columns: headings.
        rows: cells.
        foot: a last row of totals.
        words: so many columns, from the left, hold words; the others numbers, which stand to the right.
    """
    kinds = ["" if k < words else "number" for k in range(len(columns))]
    head = "".join(f'<th scope="col"{_class(k)}>{text(c)}</th>' for c, k in zip(columns, kinds, strict=True))
    body = "\n".join(f"<tr>{_cells(row, kinds)}</tr>" for row in rows)
    end = f"<tfoot><tr>{_cells(foot, kinds)}</tr></tfoot>" if foot else ""
    return (
        f'<div class="wide"><table><caption><span>{text(caption)}</span></caption><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody>{end}</table></div>"
    )


def _cells(row: Sequence[Cell], kinds: Sequence[str]) -> str:
    first, *rest = row
    cells = [f'<th scope="row">{text(first)}</th>']
    for cell, kind in zip(rest, kinds[1:], strict=True):
        if isinstance(cell, Bar):
            cells.append(f'<td class="number bar" style="--share:{cell.share:.4f}">{text(cell.text)}</td>')
        else:
            cells.append(f"<td{_class(kind)}>{text(cell)}</td>")
    return "".join(cells)


def facts(pairs: Iterable[tuple[str, str]], kind: str = "facts") -> str:
    """A list of names and values."""
    items = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in pairs)
    return f"<dl{_class(kind)}>{items}</dl>"


def photograph(png: bytes, words: str) -> str:
    """A PNG inside the page; `words` describe it to those who do not see it."""
    source = base64.b64encode(png).decode("ascii")
    return f'<div class="wide"><img class="plate" alt="{text(words)}" src="data:image/png;base64,{source}"></div>'


def drawing(svg: str, words: str) -> str:
    """An SVG element inside the page; `words` describe it to those who do not see it."""
    return f'<div class="drawing" role="img" aria-label="{text(words)}">{svg}</div>'


def commands(pairs: Iterable[tuple[str, str]]) -> str:
    """Lines to type, each with what it does."""
    return "".join(f'<p class="aim">{text(aim)}</p><pre><code>{text(line)}</code></pre>' for aim, line in pairs)


def folded(title: str, parts: Iterable[str]) -> str:
    """Something that opens on demand."""
    return f"<details><summary>{text(title)}</summary>\n" + "\n".join(parts) + "</details>"


def slug(words: str) -> str:
    """Letters and digits alone, for a name within the page.

    Example:
        >>> slug("Gradient norm")
        'gradient-norm'
    """
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
