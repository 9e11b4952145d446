"""What a notebook shows of an object: a small table."""

import html
from collections.abc import Iterable


def html_table(title: str, rows: Iterable[tuple[object, ...]], columns: tuple[str, ...] = ()) -> str:
    """Return a table as HTML, of two columns or with these headings; all words are escaped.

    Example:
        >>> html_table("Run", [("a", "<")]).split("</thead>")
        ['<table><thead><tr><th colspan="2">Run</th></tr>', '<tbody><tr><th>a</th><td>&lt;</td></tr></tbody></table>']
    """
    headings = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    head = f'<tr><th colspan="{len(columns) or 2}">{html.escape(title)}</th></tr>'
    head += f"<tr>{headings}</tr>" if headings else ""
    cells = ([html.escape(str(value)) for value in row] for row in rows)
    body = "".join(f"<tr><th>{name}</th>{''.join(f'<td>{v}</td>' for v in values)}</tr>" for name, *values in cells)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
