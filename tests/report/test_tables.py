import copy
import io
from collections import OrderedDict

import numpy as np
import torch
from rich.console import Console
from torch import nn

from neurarium.nets.summary import summarize
from neurarium.report.tables import comparison_table, layers_table, scores_table
from neurarium.tasks.scores import Metric, Scores
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
    text = text_of(layers_table(summarize(net, (1, 8, 8))))
    assert row_of(text, "Conv2d") == ["0", "Conv2d", "6 x 4 x 4", "156", "2,400"]
    assert row_of(text, "total")[-2:] == ["1,126", "3,360"]


def test_fixed_parameters_are_told():
    net = nn.Linear(3, 2)
    net.bias.requires_grad_(False)
    assert "2 parameters are fixed" in text_of(layers_table(summarize(net, (3,))))


def test_a_cost_that_is_not_known_is_said_to_be_unknown():
    net = nn.Sequential(nn.Linear(3, 2), Folded())
    text = text_of(layers_table(summarize(net, (3,))))
    assert row_of(text, "Linear")[-1] == "6"
    assert row_of(text, "Folded")[-1] == "unknown"
    assert row_of(text, "total")[-2:] == ["8", "unknown"]


class Folded(nn.Module):
    def forward(self, x):
        return torch.cdist(x, x)


def test_on_a_screen_of_80_columns_no_number_is_broken():
    with torch.device("meta"):
        net = nn.Conv2d(512, 4096, 3, padding=1)
        for place in range(9):
            net = nn.Sequential(OrderedDict({f"a_long_name_of_a_part_{place}": net}))
        summary = summarize(net, (512, 1234, 1234))
    text = text_of(layers_table(summary), width=80)
    assert row_of(text, "Conv2d")[2:] == ["4096 x 1234 x 1234", "18,878,464", f"{1234**2 * 4096 * 512 * 9:,}"]
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("part_") == 9


def test_scores_of_each_class(made):
    scores = made.scores(("[b]cat", "dog"), 40, 0.9)
    text = text_of(scores_table(scores))
    confusion = np.array(scores.details["confusion"])
    recall, precision = confusion[0, 0] / confusion[0].sum(), confusion[0, 0] / confusion[:, 0].sum()
    assert row_of(text, "[b]cat")[:4] == ["[b]cat", "20", f"{precision:.3f}", f"{recall:.3f}"]
    assert "accuracy 90 %: 36 of 40 right" in text
    assert "95 % interval 77 % to 96 %; loss 0.1234" in text  # by scipy.stats.binomtest(36, 40)


def test_scores_of_other_tasks():
    metrics = (
        Metric("PSNR", 18.25, "ratio [of] it", "dB", baseline=16.5, against="three components"),
        Metric("exact", 0.9, "fraction of all", "%", interval=(0.7695, 0.9604)),
    )
    text = text_of(scores_table(Scores("reconstruction", "test", "toy", 40, None, metrics)))
    assert row_of(text, "PSNR") == ["PSNR", "18.25 dB", "16.50 dB three components", "ratio [of] it"]
    assert row_of(text, "exact") == ["exact", "90 %", "", "fraction of all; 95 % interval 77 % to 96 %"]
    assert "40 test examples" in text
    assert "loss" not in text
    assert "the 40 stored examples; loss 0.5000" in text_of(
        scores_table(Scores("recall", "test", "toy", 40, 0.5, metrics[1:]))
    )


def test_comparison_shows_results_and_only_the_settings_that_differ(made):
    scores = made.scores(made.digits, 500, 0.968).to_plain()
    first, second = (recipe_to_plain(Recipe(name=name, batch_size=size)) for name, size in (("a", 64), ("b", 128)))
    second["optimizer"]["lr"] = 0.5
    text = text_of(
        comparison_table(
            [
                ("runs/a", first, made.entries(made.events()), scores),
                ("runs/b", second, made.entries(made.events(3, reason="interrupted")), None),
            ]
        )
    )
    assert row_of(text, "accuracy") == ["accuracy", "96.8 %", "-"]
    assert row_of(text, "95 % interval") == ["95 % interval", "94.9 % to 98.0 %", "-"]
    assert row_of(text, "measured on") == ["measured on", "500 test examples", "-"]
    assert row_of(text, "epochs") == ["epochs", "20 of 20", "3 of 20"]
    assert row_of(text, "best validation")[1] == "2.40 % (epoch 17)"
    assert row_of(text, "batch_size") == ["batch_size", "64", "128"]
    assert row_of(text, "optimizer.lr")[2] == "0.5"
    assert "precision" not in text


def test_metrics_of_different_tasks_stand_below_each_other(made):
    exact = Scores("recall", "test", "toy", 3, None, (Metric("exact recall", 0.75, "", "%"),)).to_plain()
    plain = recipe_to_plain(Recipe())
    text = text_of(
        comparison_table(
            [
                ("a", plain, made.entries(made.events()), made.scores(made.digits, 500, 0.968).to_plain()),
                ("b", plain, made.entries(made.events()), exact),
            ]
        )
    )
    assert row_of(text, "accuracy") == ["accuracy", "96.8 %", "-"]
    assert row_of(text, "exact recall") == ["exact recall", "-", "75.0 %"]
    assert text.count("95 % interval") == 1
    assert row_of(text, "measured on") == ["measured on", "500 test examples", "the 3 stored examples"]


def test_layers_stand_under_the_modules_they_are_part_of():
    part = nn.Sequential(OrderedDict(a=nn.Linear(3, 3), b=nn.Linear(3, 3)))
    net = nn.Sequential(
        OrderedDict(one=part, two=nn.Sequential(OrderedDict(inner=copy.deepcopy(part))), b=nn.Linear(3, 3))
    )
    text = text_of(layers_table(summarize(net, (3,))))
    names = [line.split("│")[1].rstrip() for line in text.splitlines() if line.startswith("│")]
    assert names == ["one", " a", " b", "two", " inner", "  a", "  b", "b", "total"]
