"""The lists of nets in docs/map.md, as the library names them; its tables of sections are written by hand."""

from pathlib import Path

from neurarium.nets import HOMES
from neurarium.nets.catalog import NETS
from neurarium.recipes.catalog import RECIPES
from neurarium.training.recipe import net_kind

DOCS = Path(__file__).parent.parent
CHAPTERS = (
    "connectionist",
    "feedforward",
    "convolutional",
    "recurrent",
    "attention",
    "geometric",
    "generative",
    "parts",
)


def with_lists(text: str) -> str:
    """The map with its lists as the library is now."""
    for name, lines in (("imports", imports()), ("commands", commands())):
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        assert end, f"docs/map.md has no place for the list of {name}"
        text = f"{before}<!-- {name} -->\n" + "".join(f"{line}\n" for line in lines) + end + after
    return text


def imports() -> list[str]:
    """Every class that `neurarium.nets` has, by chapter, with its file."""
    chapters = dict.fromkeys((*CHAPTERS, *sorted({home.partition(".")[0] for home in HOMES.values()})), "")
    rows = [
        f"| {chapter} | " + ", ".join(_link(f"`{name}`", f"nets.{HOMES[name]}") for name in sorted(found)) + " |"
        for chapter in chapters
        if (found := [name for name, home in HOMES.items() if home.partition(".")[0] == chapter])
    ]
    return ["| chapter | `from neurarium.nets import ...` |", "|---|---|", *rows]


def commands() -> list[str]:
    """Every net of the catalog: what it is called in a recipe, which recipes train it, its published sizes."""
    trained: dict[str, list[str]] = {name: [] for name in NETS}
    for name, make in RECIPES.items():
        trained[net_kind(make().net)].append(f"`{name}`")
    rows = [
        f"| {_link(f'`{name}`', spec.__module__.partition('.')[2])} | {', '.join(trained[name]) or '–'} "
        f"| {', '.join(f'`{size}`' for size in spec.sizes) or '–'} |"
        for name, spec in NETS.items()
    ]
    head = ["| net, as a recipe names it | `neurarium train ...` | sizes for `neurarium show ...` |", "|---|---|---|"]
    return [*head, *rows]


def _link(words: str, module: str) -> str:
    return f"[{words}](../src/neurarium/{module.replace('.', '/')}.py)"


if __name__ == "__main__":
    path = DOCS / "map.md"
    path.write_text(with_lists(path.read_text(encoding="utf-8")), encoding="utf-8")
