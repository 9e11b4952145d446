"""A name in a cell of a table, of which the end is shown where the whole does not fit."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

_LEAST = 8  # characters


@dataclass(frozen=True)
class Ending:
    """A name on one line; an ellipsis stands for the beginning that does not fit, as the end tells layers apart."""

    name: str

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """From a few characters to the whole."""
        return Measurement(min(_LEAST, len(self.name)), len(self.name))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The end that fits."""
        name, width, dots = self.name, options.max_width, "." if options.ascii_only else "…"
        yield Text(name if len(name) <= width else dots + name[len(name) - width + 1 :], no_wrap=True)
