"""Scores of recipes, as `make results` wrote them."""

import json
from pathlib import Path
from typing import Any

from page import Page

RESULTS = Path(__file__).parent.parent.parent / "benchmarks" / "results"


def read_result(name: str) -> Any:
    """The content of a file of results; none where it was not measured yet."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def score_of(recipe: str) -> str:
    """The score of a recipe, in words where there is none."""
    rows = read_result("recipes.json") or {}
    return f"{rows[recipe]['score']:.4g}" if recipe in rows else "not measured yet"


def score_table(page: Page, *recipes: str) -> None:
    """Add a table of what recipes reach, with those that were measured."""
    found = read_result("recipes.json") or {}
    rows = [
        (name, row["data"], row["measure"], f"{row['score']:.4g}", f"{row['examples']:,}")
        for name, row in found.items()
        if name in recipes
    ]
    if rows:
        page.table(("recipe", "data", "measure", "test score", "examples"), rows)
