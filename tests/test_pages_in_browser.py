"""Reports as a browser shows them, at three widths, light and dark: nothing beyond the edge, text that stands out."""

import dataclasses
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import neurarium
from neurarium.cli.main import main
from neurarium.recipes.catalog import RECIPES

from .contract import few

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.more,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium"),
]
WIDTHS = (360, 500, 1280)
LEAST_CONTRAST = 4.5  # of text of normal size, WCAG 2.2 AA
RUNS = (
    "lenet5", "mlp", "logistic", "perceptron", "mlp-diabetes", "ridge-diabetes", "autoencoder", "gan", "hopfield",
    "vowels", "spelled-numbers", "ethanol-pairs",
)  # fmt: skip

# a page that holds the report in frames of the three widths, and writes down what it finds there
MEASURING = """<!DOCTYPE html><meta charset="utf-8"><body>%s<pre id="found"></pre><script>
const pixel = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
const colors = new Map();
function painted(layers) {  // what several layers of color come to, by the browser's own reckoning
  const key = layers.join();
  if (!colors.has(key)) {
    for (const layer of ["white", ...layers]) { pixel.fillStyle = layer; pixel.fillRect(0, 0, 1, 1); }
    colors.set(key, [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
  }
  return colors.get(key);
}
function luminance(color) {
  const [r, g, b] = color.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function measured(frame) {
  const page = frame.contentDocument, root = page.documentElement, view = frame.contentWindow;
  for (const details of page.querySelectorAll("details")) details.open = true;
  const beyond = [], faint = [];
  for (const element of page.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    const outside = box.width && (box.right > root.clientWidth + 1 || box.left < -1);
    if (outside && !element.parentElement.closest(".wide")) beyond.push(element.outerHTML.slice(0, 80));
    const words = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join("").trim();
    if (!words || element.closest("svg") || !box.width) continue;
    const layers = [];
    for (let up = element; up; up = up.parentElement) layers.unshift(view.getComputedStyle(up).backgroundColor);
    const ground = luminance(painted(layers));
    const ink = luminance(painted([...layers, view.getComputedStyle(element).color]));
    const contrast = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
    faint.push([contrast, words.slice(0, 40)]);
  }
  faint.sort((one, other) => one[0] - other[0]);
  return {
    width: root.clientWidth, scroll: root.scrollWidth, beyond: beyond.slice(0, 5), faintest: faint[0],
    texts: faint.length, dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
  };
}
onload = () => {
  found.textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(measured));
};
</script>"""


def measured(page: str, dark: bool, folder: Path) -> list[dict[str, Any]]:
    """What a browser finds of a page at each width."""
    frames = (
        f'<iframe style="width:{width}px;height:900px;border:0" srcdoc="{html.escape(page)}"></iframe>'
        for width in WIDTHS
    )
    (folder / "measuring.html").write_text(MEASURING % "".join(frames), encoding="utf-8")
    assert CHROMIUM is not None
    shown = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            "--dump-dom",
            (folder / "measuring.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    found = re.search(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    assert found, shown[-500:]
    measures: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return measures


def report_of(name: str, folder: Path) -> str:
    """The page about a small run, the first one with a trace."""
    recipe = dataclasses.replace(RECIPES[name](), epochs=2, threads=1, device="cpu")
    neurarium.train(recipe, data=few(recipe, (120, 40, 40)), out=folder, progress=False)
    if name == RUNS[0]:
        assert main(["trace", str(folder), "--examples", "8"]) == 0
    return (folder / "report.html").read_text(encoding="utf-8")


def report_of_sweep(folder: Path) -> str:
    """The page about a small sweep."""
    swept = ["sweep", "logistic", "--epochs", "1", "--optimizer.l2", "0.01,0.1", "--seeds", "2"]
    assert main([*swept, "--threads", "1", "--device", "cpu", "--out", str(folder)]) == 0
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*RUNS, "sweep"])
def test_a_page_holds_at_every_width(name: str, tmp_path: Path) -> None:
    page = report_of_sweep(tmp_path / name) if name == "sweep" else report_of(name, tmp_path / name)
    for dark in (False, True):
        found = measured(page, dark, tmp_path)
        assert [(view["width"], view["dark"]) for view in found] == [(width, dark) for width in WIDTHS]
        for view in found:
            assert view["scroll"] <= view["width"]
            assert view["beyond"] == []
            assert view["texts"] > 20
            assert view["faintest"][0] >= LEAST_CONTRAST, view["faintest"]


def test_what_does_not_hold_is_found(tmp_path: Path) -> None:
    page = '<meta charset="utf-8"><div style="width:700px;background:#888"><p style="color:#999">pale</p></div>'
    narrow, _, wide = measured(page, False, tmp_path)
    assert narrow["scroll"] > narrow["width"]
    assert narrow["beyond"]
    assert wide["scroll"] <= wide["width"]
    assert wide["faintest"][0] < LEAST_CONTRAST
