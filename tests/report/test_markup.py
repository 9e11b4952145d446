from xml.etree import ElementTree

from neurarium.report.markup import Bar, commands, drawing, facts, folded, paragraph, photograph, section, table

EVIL = '<script>"&</script>'


def test_everything_is_escaped():
    pieces = (
        paragraph(EVIL), section(EVIL, EVIL, []), table(EVIL, [EVIL], [[EVIL]], [EVIL]), facts([(EVIL, EVIL)]),
        photograph(b"", EVIL), drawing("", EVIL), commands([(EVIL, EVIL)]), folded(EVIL, []),
    )  # fmt: skip
    for piece in pieces:
        assert "<script" not in piece
        assert "&lt;script&gt;&quot;&amp;" in piece


def test_table_is_well_formed_with_headers():
    root = ElementTree.fromstring(table("what", ["name", "share"], [["a", Bar("0.5", 0.5)]], ["total", "1"]))
    assert [cell.text for cell in root.findall(".//th[@scope='col']")] == ["name", "share"]
    assert [cell.text for cell in root.findall(".//th[@scope='row']")] == ["a", "total"]
    bar = root.find(".//tbody//td")
    assert (bar.text, bar.attrib["style"]) == ("0.5", "--share:0.5000")


def test_no_line_breaks_before_a_percent_sign():
    assert paragraph("96.8 % right") == "<p>96.8\xa0% right</p>"
