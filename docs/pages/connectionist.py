"""Write `docs/connectionist.md`: each number and each image of the page is computed here.

python docs/pages/connectionist.py            the whole page, some minutes on two cores
python docs/pages/connectionist.py --quick    fewer nets, draws and steps: does everything run? Writes nothing.
"""

import argparse
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import boltzmann_machines as machines
import torch
import torch.nn.functional as F
from boltzmann_machines import raw
from page import Page
from torch import Tensor

from neurarium.data.catalog import load
from neurarium.data.dataset import Dataset
from neurarium.nets.connectionist import modern_hopfield
from neurarium.nets.connectionist.boltzmann import states_of
from neurarium.nets.connectionist.certificate import Certificate
from neurarium.nets.connectionist.couplings import from_matrix
from neurarium.nets.connectionist.cover import cover_count, cover_fraction
from neurarium.nets.connectionist.dense_memory import DenseMemory
from neurarium.nets.connectionist.hopfield import HopfieldNet, recall_synchronously
from neurarium.nets.connectionist.hopfield_load import LoadPoint, load_curve
from neurarium.nets.connectionist.hopfield_theory import (
    critical_load,
    flip_probability,
    hebbian_capacity,
    mean_field_overlap,
)
from neurarium.nets.connectionist.mcculloch_pitts import (
    boolean_inputs,
    functions_of_one_unit,
    gate,
    truth_table,
    xor_net,
)
from neurarium.nets.connectionist.modern_hopfield import ModernMemory
from neurarium.nets.connectionist.patterns import CapacityWarning, binarize, flip, overlap
from neurarium.nets.connectionist.perceptron import Learned, learn
from neurarium.nets.connectionist.separability import Bound, Separator, margins, novikoff, separate, signs, widest
from neurarium.report import plotting
from neurarium.report.perceptron_figure import hyperplane_figure
from neurarium.report.recall import load_figure, recall_figure
from neurarium.report.units_figure import functions_figure
from results import score_table

DOCS = Path(__file__).parent.parent


SIZE = (28, 28)


@dataclass(frozen=True)
class Effort:
    """How much is computed: the whole page, or a trial of it."""

    orders: int = 200
    passes: int = 100
    most_points: int = 7
    nets: tuple[tuple[int, int], ...] = ((100, 20), (300, 8), (1000, 3))
    stored: tuple[int, ...] = (5, 20, 50, 100, 200)


TRIAL = Effort(5, 10, 4, ((60, 2), (100, 2)), (5, 10))


def neuron(page: Page) -> None:
    """The unit of 1943."""
    page.heading("McCulloch-Pitts neuron")
    page.say(
        """y = 1 if sigma . x >= theta, else 0, with inputs x in {0, 1}^n and synapses sigma. Nothing is learned:
        synapses and thresholds are set by hand (`nets/connectionist/mcculloch_pitts.py`). One of the texts calls this
        the perceptron algorithm; the neuron is of 1943 (W. McCulloch, W. Pitts, "A logical calculus of the ideas
        immanent in nervous activity"), the learning rule of the next section Rosenblatt's of 1957/58 (errata E6)."""
    )
    nets = {"AND": gate("and", 2), "OR": gate("or", 2), "NOR": gate("nor", 2), "XOR, two layers": xor_net()}
    rows = [tuple(str(int(x)) for x in row) for row in boolean_inputs(2).tolist()]
    tables = [truth_table(net, 2) for net in nets.values()]
    page.table(("x1", "x2", *nets), [(*row, *(str(t[k]) for t in tables)) for k, row in enumerate(rows)])
    page.say(
        """Which Boolean functions can one unit be? A search over all units with the synapses given, and over all
        thresholds, counts them:"""
    )
    searches = ((2, 1, False), (2, 1, True), (3, 1, False), (3, 2, True), (4, 1, False), (4, 3, True))
    counts = []
    for inputs, largest, zero in searches:
        values = tuple(float(s) for s in range(-largest, largest + 1) if zero or s)
        found = functions_of_one_unit(inputs, values)
        shown = ", ".join(f"{v:g}" for v in values)
        counts.append((str(inputs), shown, f"{len(found):,}", f"{2**2**inputs:,}"))
        if (inputs, zero) == (2, True):
            missing = sorted({tuple(s) for s in states_of(4).int().tolist()} - set(found))
    page.table(("inputs", "a synapse may be", "functions of one unit", "of"), counts)
    names = " and ".join("".join(map(str, table)) for table in missing)
    page.say(
        f"""With the synapses -1 and +1 of the notes a unit of two inputs is {counts[0][2]} of {counts[0][3]} functions;
        with zero allowed, and so with any real synapses, {counts[1][2]} (errata E64). The missing ones have the
        truth tables {names} (rows in the order above): XOR and its negation. Two layers of units make both. The
        notes date the net of several layers to 1965; what A. Ivakhnenko and V. Lapa stacked then were
        polynomials (errata E12)."""
    )
    words = "the 16 functions of two inputs on the corners of a square, with the line of the unit that is each of them"
    page.picture("units", words, functions_figure())


def cover(page: Page, effort: Effort) -> None:
    """Cover's count beside linear programmes."""
    page.heading("How many labelings hyperplanes make")
    page.say(
        """Of s points in general position in n dimensions, hyperplanes through the origin make C(s, n) = 2 sum_{i<n}
        binomial(s-1, i) of the 2^s labelings (T. Cover, "Geometrical and statistical properties of systems of linear
        inequalities", 1965). Counted here with one linear program for each labeling of random points, and by the
        formula:"""
    )
    rows, differ = [], 0
    for n in range(1, 5):
        cells = []
        for s in range(1, effort.most_points + 1):
            counted, formula = _labelings(s, n), cover_count(s, n)
            differ += counted != formula
            cells.append(f"{counted}" if counted == formula else f"{counted}, formula {formula}")
        rows.append((str(n), *cells))
    page.table(("n", *(f"s = {s}" for s in range(1, effort.most_points + 1))), rows)
    page.say(f"Cells in which the two differ: {differ}.")
    figure = plotting.new_figure(9.6, 4.0)
    left, right = figure.subplots(1, 2)
    plotting.style_axes(left, "Fraction of all labelings", "points / dimensions", "C(s, n) / 2^s")
    plotting.style_axes(right, "Number of labelings", "points", "log2 C(s, n)")
    for n, color in zip((5, 20, 100), plotting.COLORS, strict=False):
        points = range(1, 4 * n + 1)
        fractions = [cover_fraction(s, n) for s in points]
        left.plot([s / n for s in points], fractions, color=color, label=f"n = {n}")
        if n < 100:
            right.plot(points, [math.log2(cover_count(s, n)) for s in points], color=color, label=f"n = {n}")
    right.plot((1, 30), (1, 30), color=plotting.INK, linestyle=":", label="all 2^s")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK)
    page.picture("cover", "fraction and number of the labelings that hyperplanes make, against the points", figure)
    fraction = cover_fraction(20, 10), cover_fraction(30, 10)
    page.say(
        f"""The notes say that the number falls steeply after s = 2n. The fraction does: at n = 10 it is {fraction[0]:g}
        at s = 20 and {fraction[1]:.3f} at s = 30. The number itself keeps growing: {cover_count(20, 10):,} and
        {cover_count(30, 10):,} (errata E29)."""
    )


def perceptron_on_iris(page: Page, effort: Effort) -> None:
    """Separable examples: mistakes, margin, bound."""
    page.heading("Perceptron")
    page.say(
        """a = w . x + b; while an example has y a <= 0, w <- w + y x and b <- b + y (F. Rosenblatt, "The perceptron",
        1958). The weights start at zero. If some hyperplane has all examples at a distance, the mistakes come to an
        end: with R the length of the longest example and gamma the widest margin there is, both with the bias counted
        as the weight of an input 1, at most floor(R^2 / gamma^2) (A. Novikoff, "On convergence proofs for
        perceptrons", 1962). The notes say fewer than its ceiling: one example alone has R = gamma and costs one
        mistake (errata E28)."""
    )
    x, y = _iris(0, 1)
    rows = []
    for name, columns in (
        ("all four", [0, 1, 2, 3]),
        ("sepal and petal length", [0, 2]),
        ("both of the sepal", [0, 1]),
    ):
        some = x[:, columns]
        bound, best, found = novikoff(some, y), widest(some, y), learn(some, y)
        assert isinstance(bound, Bound)
        assert isinstance(best, Separator)
        counts = []
        for seed in range(effort.orders):
            order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
            counts.append(len(learn(some[order], y[order]).mistakes))
        assert max(counts) <= bound.mistakes
        margin = float(margins(found.weight, found.bias, some, signs(y)).min())
        rows.append(
            (name, f"{margin:.2g}", f"{best.margin:.3g}", f"{bound.radius:.3g}", f"{bound.margin:.3g}",
             f"{len(found.mistakes):,}", f"{min(counts):,} to {max(counts):,}", f"{bound.mistakes:,}")
        )  # fmt: skip
    page.say(
        f"""Iris, setosa against versicolor, lengths in cm as measured, in the order of the data and in {effort.orders}
        random orders:"""
    )
    page.table(
        ("features", "margin reached", "margin of the widest hyperplane", "R", "gamma", "mistakes",
         "in other orders", "Novikoff's bound"), rows
    )  # fmt: skip
    mistakes_on_iris(page, x[:, [0, 2]], y)


def mistakes_on_iris(page: Page, x: Tensor, y: Tensor) -> None:
    """Log and image for sepal and petal length."""
    found = learn(x, y)
    log = found.mistakes
    page.say("The mistake log of the second row (`neurarium train perceptron` writes it too):")
    page.table(
        ("mistake", *(str(k + 1) for k in range(len(log)))),
        [
            ("epoch", *(str(int(s) // len(y) + 1) for s in log.steps)),
            ("example", *(f"{k} ({'setosa' if y[k] == 0 else 'versicolor'})" for k in log.examples)),
            ("-y a", *(f"{loss:.2f}" for loss in log.losses)),
        ],
    )
    names, axes = ("setosa", "versicolor"), ("sepal length, cm", "petal length, cm")
    counts = found.mistakes.by_epoch(len(x), found.epochs).tolist()
    title = "Iris: setosa and versicolor"
    figure = hyperplane_figure(found.weight, found.bias, counts, x, y, title, names, axes)
    page.picture("perceptron", "hyperplane and margin between two species of iris, and the mistakes by epoch", figure)


def perceptron_without_end(page: Page, effort: Effort) -> None:
    """Examples that no hyperplane separates."""
    corners, labels = torch.tensor([[0.0, 0], [1, 1], [0, 1], [1, 0]]), torch.tensor([1, 1, -1, -1])
    why = separate(corners, labels)
    assert isinstance(why, Certificate)
    assert why.exact
    page.say(
        f"""On XOR the algorithm of the notes never stops. `separate` says so by a linear program and gives the
        reason: {why}. No (w, b) can be above 0 on all signed examples y (x, 1), for a sum of them with positive
        fractions is zero."""
    )
    x, y = _iris(1, 2)
    reason = separate(x, y)
    assert isinstance(reason, Certificate)
    how = "exactly, in fractions" if reason.exact else "up to rounding"
    tables = {
        "iris: versicolor and virginica, cm": (x, y),
        "wine: alcohol and malic acid, growers 1 and 2": _wine(),
    }
    rows = []
    for name, (some, targets) in tables.items():
        separable = isinstance(separate(some, targets), Separator)
        for answers in ("last", "pocket", "averaged"):
            wrong = []
            for seed in range(20):
                order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
                found = learn(some[order], targets[order], epochs=effort.passes, answers=answers)
                wrong.append(_wrong(found, some, targets))
            rows.append(
                (name, "yes" if separable else "no", answers, f"{sum(wrong) / 20:.2f}", f"{min(wrong)} to {max(wrong)}")
            )
    page.say(
        f"""Versicolor and virginica fraction a point of their hulls: {len(reason.examples)} examples with the fractions
        {", ".join(f"{float(s):.3g}" for s in reason.fractions)} cancel out ({how}). There
        one answers with weights that were right for longest (pocket: S. Gallant, "Perceptron-based learning
        algorithms", 1990) or with the mean over all examples seen (averaged: Y. Freund, R. Schapire, "Large margin
        classification using the perceptron algorithm", 1999). Wrong answers on the examples learned from after
        {effort.passes} epochs, mean and range over 20 orders:"""
    )
    page.table(("examples", "separable", "answers", "wrong", "range"), rows)
    page.say(
        """The texts differ in the step: eta (y - y^) x is 2 eta y x for labels of -1 and +1; from zero weights it
        only doubles their length (errata E26)."""
    )


def energy(page: Page) -> None:
    """Asynchronous and synchronous updates of random couplings."""
    page.heading("Hopfield networks")
    page.say(
        """H(x) = -1/2 sum_ij w_ij x_i x_j + sum_i b_i x_i with w_ij = w_ji and w_ii = 0; x_i <- sgn(sum_j w_ij x_j -
        b_i) (J. Hopfield, "Neural networks and physical systems with emergent collective computational abilities",
        1982). The notes' claim: one unit after the other, H never rises. A field of 0 keeps the state here; the notes
        make it +1 (errata E25)."""
    )
    n, probes = 200, 100
    generator = torch.Generator().manual_seed(0)
    w = torch.randn(n, n, generator=generator, dtype=torch.float64)
    couplings = from_matrix(((w + w.T) / math.sqrt(2 * n)).fill_diagonal_(0.0))
    start = torch.randint(0, 2, (probes, n), generator=generator).double() * 2 - 1
    one, all_at_once = (
        HopfieldNet(couplings).recall(start, trace=True),
        recall_synchronously(couplings, start, trace=True),
    )
    assert one.trace is not None
    assert all_at_once.trace is not None
    figure = plotting.new_figure(9.6, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    plotting.style_axes(left, "One unit at a time", "sweeps over all units", "energy per unit")
    plotting.style_axes(right, "All units at once", "updates of all units", "")
    course, jumps = one.trace.energies[:, :12] / n, all_at_once.trace.energies[:, :12] / n
    left.plot(torch.arange(len(course)) / n, course, color=plotting.BLUE, linewidth=1, alpha=0.7)
    right.plot(range(len(jumps)), jumps, color=plotting.VERMILION, linewidth=1, alpha=0.7)
    page.picture("energy", "energy of a net with random couplings under both kinds of updates, twelve starts", figure)
    rises = one.trace.energies.diff(dim=0), all_at_once.trace.energies.diff(dim=0)
    page.say(
        f"""{n} units, normal symmetric couplings, {probes} random starts. One unit at a time: of
        {rises[0].numel():,} updates {int((rises[0] < -1e-9).sum()):,} lowered the energy, and the largest rise is
        {max(0.0, float(rises[0].max())):.1g}, rounding beside energies of {float(one.trace.energies.min()):.0f};
        {int(one.fixed.sum())} of {probes} came to rest. All at once the energy rose in
        {int((rises[1] > 1e-9).sum()):,} of {rises[1].numel():,} updates, by {float(rises[1].max()):.2f} at most;
        {int(all_at_once.fixed.sum())} came to rest and {int(all_at_once.cycle.sum())} jump between two states for
        ever."""
    )


def load_of_hopfield(page: Page, effort: Effort) -> None:
    """Overlap against load, and the theory."""
    loads = (0.02, 0.05, 0.08, 0.1, 0.12, 0.13, 0.14, 0.15, 0.16, 0.18, 0.2)
    curves = [load_curve(n, loads, trials=trials, probes=50) for n, trials in effort.nets]
    page.say(
        f"""Hebb's rule W = 1/n sum_t x_t x_t^T stores random patterns up to a load s/n at which the memory is lost at
        once. The number of the notes, 0.138, comes from the mean-field equations of D. Amit, H. Gutfreund and
        H. Sompolinsky ("Storing infinite numbers of patterns in a spin-glass model of neural networks", 1985): no
        retrieval state beyond alpha_c = {critical_load():.6f}, where its overlap is still
        {mean_field_overlap(critical_load() * (1 - 1e-9)):.3f}. The chance that one unit is unstable in its pattern,
        Phi(-sqrt(n/s)), is {flip_probability(0.138):.5f} there and knows no threshold (errata E30, E63). Each net is
        started in a stored pattern and left to rest:"""
    )
    page.picture(
        "load", "overlap with the stored pattern against the load for several sizes of net", load_figure(curves)
    )
    shown = [k for k, load in enumerate(loads) if load in (0.05, 0.1, 0.13, 0.14, 0.16, 0.2)]
    page.table(
        ("neurons", *(f"load {loads[k]:g}" for k in shown)),
        [
            *((f"{points[0].neurons:,}", *(_point(points[k]) for k in shown)) for points in curves),
            ("theory, infinitely many", *(f"{mean_field_overlap(loads[k]):.3f}" for k in shown)),
        ],
    )
    n = effort.nets[-1][0]
    page.say(
        f"""± is the standard deviation from net to net. Small nets still retrieve above alpha_c; the fall gets steeper
        with size, and what is left is not 0 but a remnant. For recall without a single wrong unit far fewer patterns
        fit: n / (2 ln n) = {hebbian_capacity(n):.0f} for n = {n:,}, with the natural logarithm (errata E31)."""
    )


def digits(page: Page, data: Dataset, effort: Effort) -> None:
    """Images stored and recalled by six memories."""
    pixels = raw(data.train)[torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))]
    rows = []
    for count in effort.stored:
        stored = binarize(pixels[:count], 127.0)
        targets = stored[:50]
        damaged = flip(targets, 0.25, torch.Generator().manual_seed(1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CapacityWarning)  # to exceed the capacity is the purpose here
            memories: dict[str, HopfieldNet | DenseMemory | ModernMemory] = {
                "Hebb": HopfieldNet.storing(stored),
                "Storkey": HopfieldNet.storing(stored, "storkey"),
                "pseudo-inverse": HopfieldNet.storing(stored, "pseudo-inverse"),
                "dense, order 3": DenseMemory(stored, 3, rectified=True),
                "dense, exponential": DenseMemory(stored),
                "modern, beta 1/4": ModernMemory(stored, 0.25),
            }
        cells = []
        for memory in memories.values():
            reached = overlap(memory.recall(damaged).states.sign(), targets)
            cells.append(f"{100 * float((reached == 1).float().mean()):.0f} ({float(reached.mean()):.3f})")
        rows.append((str(count), *cells))
    page.say(
        f"""Real digits, 28 x 28, made binary, any two of them at an overlap of {_shared(pixels[:200]):.2f} in the mean,
        a quarter of the pixels flipped: percentage of the images recalled without a wrong pixel, and in brackets
        the mean overlap (the damaged image has 0.5)."""
    )
    page.table(("stored", *memories), rows)
    page.say(
        """Hebb's rule expects patterns that are nearly orthogonal. Digits share their background, so it mixes them up
        from the first few on, and a cubic energy, made for random patterns too, does no better. The pseudo-inverse W =
        X^T (X X^T)^+ X makes any patterns fixed points, but what surrounds each of them shrinks as more are stored;
        Storkey's rule holds very few. Dense memories take the energy -sum_t F(x_t . x) with a steeper F than the
        square, z^3 above 0 (D. Krotov, J. Hopfield, "Dense associative memory for pattern recognition", 2016) or exp(z)
        (M. Demircigil et al., "On a model of associative memory with huge storage capacity", 2017)."""
    )
    stored = binarize(pixels[: effort.stored[1]], 127.0)
    targets = stored[:5]
    damaged = flip(targets, 0.25, torch.Generator().manual_seed(1))
    for storage in ("pseudo-inverse", "hebbian"):
        net = HopfieldNet.storing(stored, storage)
        title = f"{len(stored)} digits stored ({storage}), 25 % of the pixels flipped"
        found = net.recall(damaged, trace=True)
        deeper = int((net.energy(found.states) < net.energy(targets) - 1e-6).sum())
        figure = recall_figure(found, targets, net.energy(targets), SIZE, title)
        page.picture(f"recall-{storage}", f"recall of damaged digits, {storage}: steps, memory, energy", figure)
        page.say(f"{deeper} of {len(targets)} come to rest below the energy of the stored image.")


def attention(page: Page) -> None:
    """The modern update is attention."""
    gaps = []
    for dtype in (torch.float32, torch.float64):
        worst = 0.0
        for seed, (q, s, d) in enumerate(((1, 5, 4), (20, 50, 16), (100, 1000, 64))):
            generator = torch.Generator().manual_seed(seed)
            states, memory = (torch.randn(k, d, generator=generator, dtype=dtype) for k in (q, s))
            # a peer of the update: torch's own attention, queries = states, keys = values = memory, scale 1/sqrt(d)
            peer = F.scaled_dot_product_attention(states[None], memory[None], memory[None])[0]
            ours = modern_hopfield.update(states, memory, d**-0.5)
            worst = max(worst, float((ours - peer).abs().max()))
        gaps.append(worst)
    page.say(
        f"""The modern continuous net has real states, E(xi) = -1/beta log sum_t exp(beta x_t . xi) + |xi|^2 / 2 + a
        constant, and the update xi <- X^T softmax(beta X xi) (H. Ramsauer et al., "Hopfield networks is all you need",
        2021; the connection to transformers that the notes mention). With beta = 1/sqrt(d), states as queries and
        patterns as keys and values this is attention: against torch's `scaled_dot_product_attention` on random
        numbers, up to 100 states, 1,000 patterns and d = 64, the largest difference is {gaps[0]:.1g} in float32 and
        {gaps[1]:.1g} in float64.
        `hopfield_layers` has it as layers for any net: association, pooling, lookup."""
    )


def command_line(page: Page) -> None:
    """How each net is called, and what its recipe reaches."""
    page.heading("From the command line")
    page.parts.append(
        """```bash
neurarium train perceptron                     # fours against nines, until it makes no more mistakes
neurarium train perceptron --data mine.csv     # any two classes; the report says whether a hyperplane separates them
neurarium train perceptron --data mine.csv --net.answers pocket    # or averaged, where none does
neurarium train hopfield                       # stores 50 digits, recalls them with a quarter of the pixels wrong
neurarium train hopfield --net.storage dense --net.patterns 200
neurarium train rbm                            # chains that live on; filters, samples, likelihood in the report
neurarium train rbm --net.no-persistent --net.k 5                  # CD-5
```"""
    )
    page.say("Scores of the recipes are in `RESULTS.md`.")
    score_table(page, "perceptron", "hopfield", "rbm")
    page.say(
        """`train` leaves a run folder with `report.html` in it; `neurarium train NAME --help` lists every setting."""
    )


def _shared(pixels: Tensor) -> float:
    """Mean overlap of two different images."""
    x = binarize(pixels, 127.0)
    count = len(x)
    return float((x @ x.T / x.shape[1]).sum() - count) / (count * (count - 1))


def _labelings(points: int, dimensions: int) -> int:
    """Labellings of random points that a linear program separates; half are tried, the others are their negatives."""
    x = torch.randn(points, dimensions, generator=torch.Generator().manual_seed(points))
    labels = [torch.tensor([1, *rest]) for rest in states_of(points - 1).int().tolist()]
    return 2 * sum(isinstance(separate(x, y, bias=False), Separator) for y in labels)


def _iris(first: int, second: int) -> tuple[Tensor, Tensor]:
    """Two species, all examples, cm; targets 0 and 1."""
    return _two_classes(load("iris"), first, second)


def _wine() -> tuple[Tensor, Tensor]:
    """Two growers by two measurements, standardised."""
    x, y = _two_classes(load("wine"), 0, 1)
    return (x[:, :2] - x[:, :2].mean(0)) / x[:, :2].std(0), y


def _two_classes(data: Dataset, first: int, second: int) -> tuple[Tensor, Tensor]:
    parts = (data.train, data.validation, data.test)
    x, y = torch.cat([raw(part).float() for part in parts]), torch.cat([part.target("label") for part in parts])
    kept = (y == first) | (y == second)
    return x[kept], (y[kept] == second).long()


def _wrong(found: Learned, x: Tensor, labels: Tensor) -> int:
    return int((margins(found.weight, found.bias, x, signs(labels)) <= 0).sum())


def _point(point: LoadPoint) -> str:
    return f"{point.overlap:.3f} ± {point.spread:.3f}"


def main() -> None:
    """Compute everything, then write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer nets, draws and steps, write nothing")
    quick = parser.parse_args().quick
    effort = TRIAL if quick else Effort()
    page, data = Page(None if quick else DOCS, "connectionist"), load("mnist-5k")
    page.parts.append("# The first nets")
    page.say(
        """Threshold units, the perceptron, Hopfield networks and Boltzmann machines, with each claim of the lecture
        beside what was measured. This page is written by `docs/pages/connectionist.py`: no number in it that was
        measured was typed in. The last section has the commands."""
    )
    neuron(page)
    cover(page, effort)
    perceptron_on_iris(page, effort)
    perceptron_without_end(page, effort)
    energy(page)
    load_of_hopfield(page, effort)
    digits(page, data, effort)
    attention(page)
    work = machines.TRIAL if quick else machines.Effort()
    machines.boltzmann(page)
    machines.small_rbm(page, data, work)
    frozen = machines.few_labels(page, data, machines.rbm(page, data, work), work)
    machines.pretraining(page, data, frozen, work)
    command_line(page)
    if quick:
        print(page.text())
    else:
        (DOCS / "connectionist.md").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
