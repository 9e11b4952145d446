"""What a notebook shows of an object: names and values, as a small table."""

import html
from collections.abc import Iterable


def html_table(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """Return a table of two columns as HTML; all words are escaped.

    Example:
        >>> html_table("Run", [("a", "<")]).split("</thead>")
        ['<table><thead><tr><th colspan="2">Run</th></tr>', '<tbody><tr><th>a</th><td>&lt;</td></tr></tbody></table>']
    """
    head = f'<thead><tr><th colspan="2">{html.escape(title)}</th></tr></thead>'
    body = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"
