"""A page of the documentation, gathered part by part."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from neurarium.report.curves import save_figure


class Page:
    """Collects paragraphs, and figures beside them.

    Args:
        folder: of the page; none: nothing is written.
        prefix: of the names of its figures.
    """

    def __init__(self, folder: Path | None, prefix: str) -> None:
        self.folder, self.prefix = folder, prefix
        self.parts: list[str] = []

    def say(self, *paragraphs: str) -> None:
        """Add paragraphs."""
        self.parts.extend(" ".join(p.split()) if not p.startswith("|") else p for p in paragraphs)

    def heading(self, words: str) -> None:
        """Begin a section."""
        self.parts.append(f"## {words}")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table."""
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        self.parts.append("\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]))

    def picture(self, name: str, words: str, figure: Figure) -> None:
        """Add a figure, and what it shows for those who cannot see it."""
        if self.folder is not None:
            save_figure(figure, self.folder / "pictures" / f"{self.prefix}-{name}.png")
        self.parts.append(f"![{words}](pictures/{self.prefix}-{name}.png)")

    def text(self) -> str:
        """The page."""
        return "\n\n".join(self.parts) + "\n"
