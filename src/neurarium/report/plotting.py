"""How figures look: ink, colors that color-blind eyes tell apart, axes without clutter, a theme for web pages.

The one module that imports matplotlib; others import it inside the functions that draw. No pyplot and no global
settings, so that figures can be drawn without a screen, in threads and in notebooks.
"""

import io
import re

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

INK, FAINT, LINE, PAPER = "#24292f", "#66707b", "#d5dae0", "#ffffff"
# Okabe and Ito's palette; its yellow, too weak on white, gives way to violet and gray
BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, VIOLET, GREY = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5b2a86", "#4d4d4d",
)  # fmt: skip
COLORS = (BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, VIOLET, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SIGNED = LinearSegmentedColormap.from_list("signed", ("#6b2f00", VERMILION, PAPER, BLUE, "#00304d"))
"""Everywhere: blue speaks for something, orange against it, white for neither; ends that are as far from zero."""
DOTS_PER_INCH = 144


class NotebookFigure(Figure):
    """A figure that a notebook shows by itself, without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)


def new_figure(width: float, height: float) -> NotebookFigure:
    """Return an empty figure of so many inches."""
    margin = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    return NotebookFigure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=margin, facecolor=PAPER)


def suptitle(figure: Figure, title: str) -> None:
    """Write the title over a whole figure; a "$" in it is a dollar, no mathematics."""
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold", parse_math=False)


def style_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Give axes their title and labels, and take away what is not needed."""
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    axes.set_xlabel(x, color=FAINT, fontsize=9)
    axes.set_ylabel(y, color=FAINT, fontsize=9)
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(which="both", colors=FAINT, labelsize=9)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)


def epochs_axis(axes: Axes, last: float) -> None:
    """Count epochs in integers from 0 to `last`."""
    axes.set_xlim(0, max(last, 1) * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def legend_above(axes: Axes, columns: int) -> None:
    """Put the legend between title and curves, where it covers neither."""
    handles, labels = axes.get_legend_handles_labels()
    rows = -(-len(labels) // columns)
    axes.legend(
        handles, labels, ncols=columns, loc="lower left", bbox_to_anchor=(-0.01, 1.0), frameon=False, fontsize=9,
        labelcolor=INK, borderaxespad=0.1, borderpad=0.2, handlelength=1.8, columnspacing=1.4, labelspacing=0.3,
    )  # fmt: skip
    axes.set_title(
        axes.get_title(loc="left"), loc="left", pad=8 + 13.5 * rows, color=INK, fontsize=11, fontweight="bold"
    )


def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    return file.getvalue()


_THEME = {INK: "currentColor", FAINT: "var(--faint)", LINE: "var(--line)", BLUE: "var(--blue)"}
_THEME |= {VERMILION: "var(--vermilion)", GREEN: "var(--green)"}


def themed_svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element that takes its colors from the style sheet of the page around it.

    Args:
        figure: what to draw; its background becomes transparent.
        name: unique in the page; begins the names of the parts that the drawing refers to.
    """
    figure.patch.set_alpha(0.0)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
    # sizes come from the page; the viewBox keeps the proportions
    text = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
    text = text.replace("xlink:href", "href")
    # matplotlib draws the names at random: count them instead, so that equal runs give equal pages
    for count, old in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', text))):
        text = re.sub(rf'(id="|href="#|url\(#){re.escape(old)}(?=["\)])', rf"\g<1>{name}-{count}", text)
    for color, variable in _THEME.items():
        text = text.replace(color, variable)
    return text
