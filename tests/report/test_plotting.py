import re
from xml.etree import ElementTree

import pytest

from neurarium.report.curves import panel_figure
from neurarium.report.plotting import themed_svg


@pytest.fixture(scope="module")
def svg(made):
    return themed_svg(panel_figure(made.entries(made.events(3)), "error"), "error")


def test_svg_is_well_formed_and_takes_its_size_from_the_page(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert "width" not in root.attrib
    assert len(root.attrib["viewBox"].split()) == 4


def test_svg_refers_only_to_itself(svg):
    names = set(re.findall(r'\bid="([^"]+)"', svg))
    assert all(name.startswith("error-") for name in names)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= names
    assert "http" not in svg


def test_svg_takes_its_colors_from_the_page(svg):
    assert "currentColor" in svg
    assert "var(--blue)" in svg
    assert not re.search(r"#0072b2|#24292f", svg)


def test_equal_runs_give_equal_drawings(made, svg):
    assert themed_svg(panel_figure(made.entries(made.events(3)), "error"), "error") == svg
