import io
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from torch import nn

from neurarium.learning.trace import trace
from neurarium.report.trace_table import HEADINGS, row, trace_table, verdict


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    return trace(net, torch.randn(8, 4), torch.randint(3, (8,)), learning_rate=0.1)


def text_of(table, width=120):
    file = io.StringIO()
    Console(file=file, width=width).print(table)
    return file.getvalue()


def test_a_row_holds_the_numbers_of_an_entry(found):
    entry = replace(found["1"], error_rms=0.0123456, factor=None, dead=0.25, zeros=0.5, mean=1.5, deviation=2.0)
    cells = dict(zip(HEADINGS, row(entry), strict=True))
    assert (cells["layer"], cells["kind"], cells["output"]) == ("1", "ReLU", "6")
    assert (cells["error signal"], cells["factor"], cells["gradient"]) == ("0.0123", "-", "-")
    assert (cells["size"], cells["at rest"]) == ("2.50", "25 % dead")


def test_estimates_are_marked(found):
    guessed = replace(found["0"], jacobian_exact=False, jacobian_norm=3.0)
    assert row(guessed)[8] == "~3.00"
    assert row(replace(guessed, jacobian_exact=True))[8] == "3.00"
    assert row(replace(guessed, jacobian_norm=None, singular_values=()))[8:10] == ("-", "-")


def test_the_table_fits_a_screen(found):
    named = replace(found, layers=tuple(replace(e, name=f"[b]block.{e.name}") for e in found.layers))
    text = text_of(trace_table(named))
    assert max(map(len, text.splitlines())) <= 120
    assert "[b]block" in text
    assert "8 examples in training mode" in text
    assert "gradient descent at rate 0.1" in " ".join(text.split())


def test_the_verdict_in_words(found):
    calm = replace(found, factor=0.5, vanishing=(), exploding=())
    assert verdict(calm)[0].startswith("On its way back the error signal shrinks by a factor of 0.500 a layer")
    assert verdict(calm)[1] == "Gradients neither vanish nor explode."
    bad = replace(found, factor=3.0, vanishing=("a", "b", "c", "d", "e"), exploding=("f",))
    words = " ".join(verdict(bad))
    assert "grows by a factor of 3.00" in words
    assert "below 0.001 times that of the last layer in 5 layers (a, b, c, d and 1 more)" in words
    assert "above 1000 times that of the last layer in 1 layer (f)" in words
    assert "neither" not in words


def test_what_does_not_learn_is_named(found):
    first, middle, last = found.layers
    layers = (replace(first, error_rms=None), replace(middle, dead=0.8), replace(last, largest=float("inf")))
    words = " ".join(verdict(replace(found, layers=layers)))
    assert "No error signal comes back in 1 layer (0)." in words
    assert "More than half of the units are dead in 1 layer (1)." in words
    assert "infinite or undefined arise in 1 layer (2)." in words


@pytest.mark.parametrize("width", [60, 80, 100])
def test_on_a_narrow_screen_columns_are_left_out_and_no_word_or_number_is_broken(found, width):
    named = replace(found, layers=tuple(replace(e, name=f"a.long.way.down.to.block.{e.name}") for e in found.layers))
    text = text_of(trace_table(named, width), width)
    assert max(map(len, text.splitlines())) <= width
    shown = text.split()
    for entry in named.layers:
        for cell in row(entry)[4:8]:
            assert cell in shown
    assert sum("block." in word for word in shown) == 3
    assert "On a wider screen also: " in " ".join(shown)
    assert "its largest σ" not in text.split("size:")[0]
