import json
import re
import xml.etree.ElementTree as ET

import pytest
import torch
from torch import nn

from neurarium.checks import RunError
from neurarium.learning.trace import trace
from neurarium.report.trace_section import trace_section


@pytest.fixture(scope="module")
def values():
    torch.manual_seed(0)
    net = nn.Sequential()
    net.add_module("<b>", nn.Linear(4, 6))
    net.add_module("end", nn.Linear(6, 3))
    return json.loads(json.dumps(trace(net, torch.randn(8, 4), torch.randint(3, (8,))).to_plain()))


def test_without_a_trace_there_is_no_section():
    assert trace_section(None) is None


def test_the_section_is_sound_and_escaped(values):
    assert trace_section(values).name == "trace"
    html = trace_section(values).body
    assert "<b>" not in html
    ET.fromstring(f"<section>{html}</section>")
    assert "Gradients neither vanish nor explode." in html


def test_the_table_holds_every_layer(values):
    html = trace_section(values).body
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>', html)
    assert rows == ["&lt;b&gt;", "end"]


def test_equal_traces_give_equal_sections(values):
    assert trace_section(values) == trace_section(values)


@pytest.mark.parametrize("damage", [{"layers": [{"name": 3}]}, {"layers": 3}, {"loss": "a lot"}])
def test_a_damaged_trace_is_refused(values, damage):
    with pytest.raises(RunError, match=r"trace\.json: expected a trace"):
        trace_section(values | damage)
