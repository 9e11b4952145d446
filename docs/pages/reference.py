"""The API reference: every module, from its docstrings, as HTML."""

import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import pdoc
import pdoc.render

import neurarium


def write(folder: Path) -> None:
    """Write a page for each module, and an index with a search."""
    found = [module.name for module in pkgutil.walk_packages(neurarium.__path__, "neurarium.")]
    # pdoc finds modules by itself, but for those in a package that says which names it offers
    hidden = [name for name in found if hasattr(import_module(name.rpartition(".")[0]), "__all__")]
    for name in ("neurarium", "neurarium.nets"):  # what is loaded on first use is loaded now
        module = import_module(name)
        for public in module.__all__:
            setattr(module, public, getattr(module, public))
    pdoc.render.configure(docformat="google", show_source=False)
    pdoc.pdoc("neurarium", *(name for name in hidden if not name.endswith("__main__")), output_directory=folder)


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "build/reference"))
