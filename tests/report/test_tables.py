import copy
import io
from collections import OrderedDict

from rich.console import Console
from torch import nn

from neurarium.nets.summary import summarise
from neurarium.report.tables import comparison_table, layers_table, scores_table
from neurarium.training.recipe import Recipe, recipe_to_plain


def text_of(table, width=120):
    file = io.StringIO()
    Console(file=file, width=width).print(table)
    return file.getvalue()


def row_of(text, name):
    line = next(line for line in text.splitlines() if name in line)
    return [cell.strip() for cell in line.strip("│┃ ").replace("┃", "│").split("│")]


def test_layers_with_totals():
    net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Flatten(), nn.Linear(96, 10))
    text = text_of(layers_table(summarise(net, (1, 8, 8))))
    assert row_of(text, "Conv2d") == ["0", "Conv2d", "6 x 4 x 4", "5 x 5", "156", "2,400"]
    assert row_of(text, "total")[-2:] == ["1,126", "3,360"]


def test_fixed_parameters_are_told():
    net = nn.Linear(3, 2)
    net.bias.requires_grad_(False)
    assert "2 parameters are fixed" in text_of(layers_table(summarise(net, (3,))))


def test_scores_of_each_class(made):
    evaluation = made.evaluation(("[b]cat", "dog"), 40, 0.9)
    text = text_of(scores_table(evaluation))
    confusion = evaluation.confusion
    recall, precision = confusion[0, 0] / confusion[0].sum(), confusion[0, 0] / confusion[:, 0].sum()
    assert row_of(text, "[b]cat")[:4] == ["[b]cat", "20", f"{precision:.3f}", f"{recall:.3f}"]
    assert "accuracy 90 %: 36 of 40 right" in text
    assert "95 % interval 77 % to 96 %" in text  # by scipy.stats.binomtest(36, 40)


def test_comparison_shows_results_and_only_the_settings_that_differ(made):
    scores = made.scores(made.evaluation(made.digits, 500, 0.968), "mnist-5k")
    first, second = (recipe_to_plain(Recipe(name=name, batch_size=size)) for name, size in (("a", 64), ("b", 128)))
    second["optimiser"]["lr"] = 0.5
    text = text_of(
        comparison_table(
            [
                ("runs/a", first, made.entries(made.events()), scores),
                ("runs/b", second, made.entries(made.events(3, reason="interrupted")), None),
            ]
        )
    )
    assert row_of(text, "accuracy on test") == ["accuracy on test data", "96.8 %", "-"]
    assert row_of(text, "epochs") == ["epochs", "20 of 20", "3 of 20"]
    assert row_of(text, "best development")[1] == "2.40 % (epoch 17)"
    assert row_of(text, "batch_size") == ["batch_size", "64", "128"]
    assert row_of(text, "optimiser.lr")[2] == "0.5"
    assert "precision" not in text


def test_layers_stand_under_the_modules_they_are_part_of():
    part = nn.Sequential(OrderedDict(a=nn.Linear(3, 3), b=nn.Linear(3, 3)))
    net = nn.Sequential(
        OrderedDict(one=part, two=nn.Sequential(OrderedDict(inner=copy.deepcopy(part))), b=nn.Linear(3, 3))
    )
    text = text_of(layers_table(summarise(net, (3,))))
    names = [line.split("│")[1].rstrip() for line in text.splitlines() if line.startswith("│")]
    assert names == ["one", " a", " b", "two", " inner", "  a", "  b", "b", "total"]
