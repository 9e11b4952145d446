"""Second half of `docs/connectionist.md`: Boltzmann machines, restricted ones, and what their features are good for."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from page import Page
from regressions import softmax_regression
from torch import Tensor, nn

from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.connectionist.annealed import LogPartition, base_rates, estimate_log_partition
from neurarium.nets.connectionist.boltzmann import BoltzmannMachine, distribution, states_of, sweep
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.connectionist.rbm_likelihood import log_likelihood, log_partition
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.connectionist.rbm_stack import stack_into_mlp
from neurarium.nets.feedforward.mlp import MLP
from neurarium.recipes import connectionist as recipes
from neurarium.record.events import EpochEnded
from neurarium.report import plotting
from neurarium.report.rbm_figures import filters_figure, samples_figure
from neurarium.training.pretraining import train_stack
from neurarium.training.recipe import Recipe
from neurarium.training.session import Session, build_session

SIZE = (28, 28)
PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
RATES = (0.001, 0.003, 0.01)
STARTS = {"machines": "stacked machines", "random": "random", "relu": "random, ReLU units"}
USE = """\
import neurarium
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.connectionist.rbm_stack import stack_into_mlp
from neurarium.training.pretraining import train_stack
from neurarium.training.recipe import Recipe

data = neurarium.load_data("mnist-5k")
rbm = Recipe(net=RBMSpec(), optimizer=Optimizer("momentum", lr=0.02), epochs=30)
machines = train_stack(rbm, data, hidden=(256, 256))
net = stack_into_mlp(machines, classes=10)
recipe = Recipe(name="pretrained", optimizer=Optimizer("adam", lr=0.003), epochs=20)
run = neurarium.train(recipe, data=data, net=net)  # a run folder with its report, as for any net
neurarium.load(run.folder, net=stack_into_mlp(machines, classes=10))  # a module of your own comes back this way"""
"""How a user does it."""


@dataclass(frozen=True)
class Effort:
    """How much is computed: the whole page, or a trial of it."""

    steps: tuple[int, ...] = (100, 1000, 10_000)
    anneal: int = 3000
    epochs: int = 30
    long: int = 100
    machines: int = 3
    draws: int = 9
    labels: tuple[int, ...] = (5, 10, 20, 50, 400)
    courses: tuple[tuple[int, int], ...] = ((10, 100), (50, 40), (400, 20))
    """Labels a class, and the epochs for which a perceptron learns from them."""


TRIAL = Effort((20, 50), 50, 1, 1, 1, 2, (5, 10), ((5, 2), (10, 2)))


@dataclass(frozen=True)
class Trained:
    """What a perceptron came to: fraction of right validation digits, which test digits, loss after each epoch."""

    validation: float
    right: Tensor
    course: list[float]


@dataclass(frozen=True)
class Comparison:
    """Perceptrons that learned from the same labels, by where they began.

    Attributes:
        count: labels a class.
        epochs: for which each learned.
        rate: the chosen one.
        right: (runs, test digits), 1 where a run with the chosen rate is right.
        courses: (runs, epochs), the training loss at the middle rate.
        gain: of pre-training over the same net with random weights, in points.
        error: its standard error over the test digits.
        won: runs in which pre-training is ahead.
    """

    count: int
    epochs: int
    rate: dict[str, float]
    right: dict[str, Tensor]
    courses: dict[str, Tensor]
    gain: float
    error: float
    won: int


def boltzmann(page: Page) -> None:
    """A machine small enough to count out."""
    page.heading("Boltzmann machine")
    page.say(
        """P(x) = exp(-E(x)) / Z, E(x) = -1/2 sum_ij w_ij x_i x_j - sum_i b_i x_i, x_i in {0, 1}; d log P(v) / dw_ij =
        E[x_i x_j | v] - E[x_i x_j]: what the units do together with the data clamped, less what they do freely
        (D. Ackley, G. Hinton, T. Sejnowski, "A learning algorithm for Boltzmann machines", 1985). Three visible units
        are to show the four states with an even number of ones, equally often. All expectations are counted out."""
    )
    v = states_of(3)
    v = v[v.sum(1) % 2 == 0]
    rows = []
    for hidden in (0, 1, 2):
        reached = []
        for seed in range(5):
            torch.manual_seed(seed)
            machine = BoltzmannMachine(3, hidden)
            machine.learn(v, rate=0.5, steps=4000)
            reached.append(float(machine(v).detach().mean()))
        w, bias = machine.weight.detach(), machine.bias.detach()
        rows.append((str(hidden), f"{max(reached):.3f}", f"{min(reached):.3f}", f"{_gibbs_gap(w, bias):.3f}"))
    page.table(
        ("hidden units", "best log P(v), nats", "worst of 5 starts", "sampled against exact P, total variation"), rows
    )
    page.say(
        f"""No pair of these units is correlated, so without hidden units the machine can do no better than all eight
        states alike, -ln 8 = {-math.log(8):.3f}; hidden units bring it towards the entropy of the data,
        -ln 4 = {-math.log(4):.3f}. The last column: the distribution of 2,000 chains after 50 sweeps of Gibbs sampling
        beside the one counted out (0: equal, 1: no state in common; 2,000 perfect draws would not give 0 either)."""
    )


def small_rbm(page: Page, data: Dataset, effort: Effort) -> None:
    """A machine with few hidden units: exact likelihood beside annealing."""
    page.heading("Restricted Boltzmann machine")
    page.say(
        """E(v, h) = -b . v - c . h - h . W v: no couplings inside a layer, so that each layer is drawn at once given
        the other. Contrastive divergence (G. Hinton, "Training products of experts by minimizing contrastive
        divergence", 2002) follows mean_data dF/dtheta - mean_chains dF/dtheta with F the free energy and chains of k
        steps begun at the data; persistent chains live on (T. Tieleman, "Training restricted Boltzmann machines using
        approximations to the likelihood gradient", 2008). The likelihood itself needs log Z, a sum over all states."""
    )
    small, _ = _trained(data, _recipe(RBMSpec(hidden=16), effort.epochs))
    exact, test, base = log_partition(small.weights), _bits(data.test), base_rates(_bits(data.train))
    rows = []
    for steps in effort.steps:
        found = _annealed(small, base, steps)
        rows.append(
            (f"{steps:,}", f"{found.value:.3f}", f"{found.low:.3f} to {found.high:.3f}",
             f"{found.effective_chains:.0f}", f"{found.value - exact:+.3f}")
        )  # fmt: skip
    page.say(
        f"""**Small: exact beside estimated.** With 16 hidden units the 65,536 hidden states can be counted out: log Z =
        {exact:.3f} and the mean log P(v) of the {len(test)} test digits, made binary, is
        {float(log_likelihood(small.weights, test, exact).mean()):.2f} nats. Annealed importance sampling (R. Neal,
        2001; R. Salakhutdinov, I. Murray, "On the quantitative analysis of deep belief networks", 2008) with 100 chains
        finds:"""
    )
    page.table(("steps", "log Z", "three standard errors", "worth chains", "off by"), rows)


def rbm(page: Page, data: Dataset, effort: Effort) -> list[RBM]:
    """Machines that learn digits: likelihood, filters, samples."""
    test, base = _bits(data.test), base_rates(_bits(data.train))
    short, long = effort.epochs, dataclasses.replace(recipes.rbm(), device="cpu", epochs=effort.long)
    settings = {
        "CD-1": _recipe(RBMSpec(), short),
        "CD-5": _recipe(RBMSpec(k=5), short),
        "persistent CD-1": _recipe(RBMSpec(persistent=True), short),
        "persistent CD-1, gentler": _recipe(RBMSpec(persistent=True), short, 0, 0.01, 0.5),
        "CD-1, long": dataclasses.replace(long, net=RBMSpec()),
        "persistent CD-1, long": long,
    }
    rows, trained = [], {}
    for name, recipe in settings.items():
        machine, last = _trained(data, recipe)
        trained[name] = machine
        found = _annealed(machine, base, effort.anneal)
        value, low, high = (
            float(log_likelihood(machine.weights, test, z).mean()) for z in (found.value, found.high, found.low)
        )
        spread = f"{low:.1f} to {high:.1f}" if math.isfinite(found.low) else f"from {low:.1f}"
        rows.append(
            (name, f"{last.step:,}", f"{last.validation['error']:.4f}", f"{value:.1f}", spread,
             f"{found.effective_chains:.0f} of 100")
        )  # fmt: skip
    alone = float((test @ base).mean() - F.softplus(base).sum())
    page.say(
        f"""**256 hidden units on MNIST-5k.** The short runs have {short} epochs in batches of 128, the rate 0.02 and
        the momentum 0.9 (gentler: 0.01 and 0.5); the long ones are the recipe `rbm`, with chains that live on and
        without, {long.epochs} epochs in batches of {long.batch_size} at a rate that falls from {long.optimizer.lr:g} to
        nothing. Gray values train as probabilities; log P is that of the test digits made binary, with Z by
        {effort.anneal:,} annealing steps and 100 chains. Pixels drawn independently at their mean would have
        {alone:.1f} nats."""
    )
    page.table(
        ("learning", "updates", "mean squared reconstruction error (validation)",
         "log P(v), nats", "three standard errors of Z",
         "estimate worth chains"), rows
    )  # fmt: skip
    one, five, long_one, long_persistent = rows[0], rows[1], rows[4], rows[5]
    page.say(
        f"""Reconstruction error is not what is learned: CD-1 has {one[2]} and CD-5 {five[2]}, and the likelihoods
        differ by {abs(float(five[3]) - float(one[3])):.1f} nats. The estimate of log Z lies below log Z on
        average, so that log P comes out too high rather than too low; where few chains carry it, its error bars
        are not to be trusted either. Persistent chains follow the likelihood where steps are small against the
        time that the chains need to mix. A short run is not made for them: they come out behind at both rates
        tried. In {long_one[1]} updates at a falling rate they have {long_persistent[3]} nats, and CD-1 with the
        same settings {long_one[3]}."""
    )
    _dreams(page, trained)
    more = [_trained(data, _recipe(RBMSpec(), effort.epochs, seed))[0] for seed in range(1, effort.machines)]
    return [trained["CD-1"], *more]


def _dreams(page: Page, trained: dict[str, RBM]) -> None:
    page.picture("rbm-filters", "weights of the hidden units as images", filters_figure(trained["CD-1"], SIZE))
    page.say(
        """Chains begun at coin tosses show what a machine holds likely far from the data, where CD-1 does not look: its
        chains end in strokes rather than digits, however well it reconstructs. Those of CD-5 end mostly in ones, those
        of the recipe `rbm` in digits of several kinds."""
    )
    for name, key in (("samples", "CD-1"), ("samples-cd5", "CD-5"), ("samples-long", "persistent CD-1, long")):
        figure = samples_figure(trained[key], SIZE, f"What the machine dreams: {key}")
        page.picture(f"rbm-{name}", f"chains of Gibbs sampling, {key}", figure)


def few_labels(page: Page, data: Dataset, machines: Sequence[RBM], effort: Effort) -> dict[int, Tensor]:
    """Hidden units against pixels under a linear classifier; which digits the former get right, by labels a class."""
    parts = (data.train, data.validation, data.test)
    pixels = [raw(part).float() / 255 for part in parts]
    inputs = {"pixels": [pixels] * len(machines)}
    inputs["hidden units"] = [[_hidden(m, m.weight, p) for p in pixels] for m in machines]
    inputs["hidden units, weights shuffled"] = [[_hidden(m, _shuffled(m.weight), p) for p in pixels] for m in machines]
    rows, right = [], dict[str, list[Tensor]]((name, []) for name in inputs)
    found = {}
    for count in effort.labels:
        scores = {name: _few(sets, data, count, effort.draws) for name, sets in inputs.items()}
        for name, hits in scores.items():
            right[name].append(100 * hits.mean(1))
        by_draw, error = _gain(scores["hidden units"], scores["pixels"])
        found[count] = scores["hidden units"]
        means = [f"{float(right[name][-1].mean()):.1f}" for name in inputs]
        wins = f"{int((by_draw > 0).sum())} of {len(by_draw)}"
        rows.append((str(count), *means, f"{float(by_draw.mean()):+.1f} ± {error:.1f}", wins))
    page.say(
        f"""**Features at few labels.** The claim: P(h = 1 | v), learned without labels, beats the pixels under a linear
        classifier when labels are few. Softmax regression on so many labeled digits a class; {effort.draws} draws of
        the labels, in turns for {len(machines)} machines with other seeds (400 are all labels: one draw); l2 chosen
        from {len(PENALTIES)} values on the 500 validation digits, for each draw and input anew (more labels than it
        learns from at first, the same for all inputs). A control has the same hidden units with the weights of
        each shuffled over the pixels. Accuracy on 500 test digits in per cent; the gain is hidden units less
        pixels, ± its standard error over the test digits."""
    )
    page.table(("labels a class", *inputs, "gain", "draws in which hidden units win"), rows)
    page.picture(
        "rbm-few-labels",
        "accuracy against labels for pixels and for hidden units",
        _labels_figure(right, effort.labels),
    )
    gains = [float((h - p).mean()) for h, p in zip(right["hidden units"], right["pixels"], strict=True)]
    said = "holds" if min(gains) > 0 else "does not hold"
    page.say(
        f"""Hidden units less pixels: {", ".join(f"{g:+.1f}" for g in gains)} points from the fewest labels to the
        most. The claim {said} at every count tried."""
    )
    return found


def pretraining(page: Page, data: Dataset, frozen: dict[int, Tensor], effort: Effort) -> None:
    """Stacked machines as the first weights of a perceptron, against random ones; `frozen` is from `few_labels`."""
    stacks = [train_stack(_recipe(RBMSpec(), effort.epochs, s), data, (256, 256)) for s in range(effort.machines)]
    comparisons = [_compare(data, stacks, count, epochs, effort.draws) for count, epochs in effort.courses]
    page.heading("Pre-training a perceptron")
    page.say(
        """A second machine learns the hidden probabilities of the first, and so on; the stack is then read as a
        perceptron of sigmoid units, a_l = sigma(c_l + W_l a_(l-1)), gets a linear layer for the classes and learns
        on by back-propagation (G. Hinton, R. Salakhutdinov, "Reducing the dimensionality of data with neural
        networks", 2006; `nets/connectionist/rbm_stack.py`):"""
    )
    page.parts.append(f"```python\n{USE}\n```")
    page.say(
        f"""The claim: such weights are a better place to begin than random ones, above all when labels are few
        (D. Erhan et al., "Why does unsupervised pre-training help deep learning?", 2010). Two machines of 256 units
        learn from all {len(data.train):,} training digits without their labels, as CD-1 in the table above; a
        784-256-256-10 net then learns from some labels, with Adam in batches of 50. Its rivals begin with random
        weights (Xavier's): the same net, and one of ReLU units (He's weights), as one would take today. All have the
        same labels, orders, epochs, and three rates to choose from; epoch and rate are chosen on the 500 validation
        digits, the rate by its mean over all runs; there is no penalty on the weights. {effort.draws} draws of the
        labels, those of the table above, and as many of the random weights, in turns for {len(stacks)} stacks with
        other seeds; with all labels, a run a stack. Accuracy on 500 test digits in per cent, ± the standard deviation
        from run to run; the gain is that of pre-training over the same net, ± its standard error over the test
        digits."""
    )
    page.table(
        ("labels a class", "epochs", *STARTS.values(), "gain", "runs won", "rates chosen"),
        [
            (str(c.count), str(c.epochs), *(_mean_and_spread(c.right[start]) for start in STARTS),
             f"{c.gain:+.1f} ± {c.error:.1f}", f"{c.won} of {len(c.right['machines'])}",
             ", ".join(f"{c.rate[start]:g}" for start in STARTS))
            for c in comparisons
        ],
    )  # fmt: skip
    page.picture(
        "rbm-pretraining",
        "loss on the training examples against epochs, from stacked machines and from random weights",
        _courses_figure(comparisons),
    )
    _say_what_came_out(page, comparisons, frozen)


def _say_what_came_out(page: Page, comparisons: Sequence[Comparison], frozen: dict[int, Tensor]) -> None:
    clear = [str(c.count) for c in comparisons if c.gain > 2 * c.error]
    ends = "; ".join(f"{c.count}: {_last(c, 'machines'):.2g} and {_last(c, 'random'):.2g}" for c in comparisons)
    linear = []
    for c in comparisons:
        by_run, error = _gain(c.right["machines"], frozen[c.count])
        linear.append(f"{c.count}: {float(by_run.mean()):+.1f} ± {error:.1f}")
    page.say(
        f"""The gain over the same net is more than two standard errors {f"at {', '.join(clear)}" if clear else "at no"}
        labels a class; it shrinks as labels come in, and with all of them nothing is left of it. The training examples
        are learned from random weights too (mean loss of the last epoch at the rate {RATES[1]:g}, stacked machines
        and random weights, by labels a class: {ends}): where the tests differ, it is for what the nets make of new
        digits, so that pre-training acts as a regularizer would, which is how Erhan et al. explain it.""",
        f"""With few labels, back-propagation through the stack need not pay. Points by which it is ahead of the
        softmax regression above on the hidden units of the first machine alone, whose weights stay as they are, same
        labels: {"; ".join(linear)}. That regression has a penalty chosen for it, and far fewer weights to learn.
        Pre-training was meant for nets too deep for the means of 2006; two hidden layers do without, and what the
        stack adds here is what it has seen of the digits without labels.""",
    )


def _compare(data: Dataset, stacks: Sequence[list[RBM]], count: int, epochs: int, nets: int) -> Comparison:
    seeds = len(stacks) if 10 * count >= len(data.train) else nets
    rate, right, courses = {}, {}, {}
    for start in STARTS:
        runs = {r: [_perceptron(data, stacks, start, count, epochs, r, s) for s in range(seeds)] for r in RATES}
        rate[start] = max(RATES, key=lambda r: sum(run.validation for run in runs[r]))
        right[start] = torch.stack([run.right for run in runs[rate[start]]])
        courses[start] = torch.tensor([run.course for run in runs[RATES[1]]])
    by_run, error = _gain(right["machines"], right["random"])
    return Comparison(count, epochs, rate, right, courses, float(by_run.mean()), error, int((by_run > 0).sum()))


def _perceptron(
    data: Dataset, stacks: Sequence[list[RBM]], start: str, count: int, epochs: int, rate: float, seed: int
) -> Trained:
    index = _labeled(data, count, seed)
    torch.manual_seed(seed)
    net = {
        "machines": lambda: stack_into_mlp(stacks[seed % len(stacks)], classes=10),
        "random": lambda: MLP((784, 256, 256, 10), activation="sigmoid", init="xavier"),
        "relu": lambda: MLP((784, 256, 256, 10), activation="relu", init="he"),
    }[start]()
    recipe = Recipe(optimizer=Optimizer("adam", lr=rate), epochs=epochs, batch_size=50, device="cpu", seed=seed)
    session = build_session(recipe, dataclasses.replace(data, train=data.train.select(index)), net)
    ends = _ends(session)
    validation, test = (_right(session.net, part) for part in (session.dataset.validation, session.dataset.test))
    return Trained(float(validation.mean()), test, [end.train["loss"] for end in ends])


@torch.no_grad()
def _right(net: nn.Module, part: Examples) -> Tensor:
    batch = part.gather(torch.arange(len(part)))
    hits: Tensor = net.eval()(batch.x).argmax(1) == batch.labels
    return hits.float()


def _labeled(data: Dataset, count: int, seed: int) -> Tensor:
    """Numbers of training digits, `count` of each class, drawn by the seed."""
    targets = data.train.target("label")
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[targets[order] == c][:count] for c in range(10)])


def _gain(ours: Tensor, theirs: Tensor) -> tuple[Tensor, float]:
    """Points by which ours are ahead, run by run, and the standard error of their mean over the test digits."""
    gain = 100 * (ours - theirs)
    by_digit = gain.mean(0)
    return gain.mean(1), float(by_digit.std()) / math.sqrt(len(by_digit))


def _mean_and_spread(right: Tensor) -> str:
    by_run = 100 * right.mean(1)
    return f"{float(by_run.mean()):.1f} ± {float(by_run.std()):.1f}" if len(by_run) > 1 else f"{float(by_run):.1f}"


def _last(comparison: Comparison, start: str) -> float:
    return float(comparison.courses[start][:, -1].mean())


def _courses_figure(comparisons: Sequence[Comparison]) -> Figure:
    figure = plotting.new_figure(10.2, 3.8)
    panels = figure.subplots(1, len(comparisons), sharey=True)
    for axes, found in zip(panels, comparisons, strict=True):
        first = found is comparisons[0]
        plotting.style_axes(axes, f"{found.count} labels a class", "epochs", "training loss, nats" if first else "")
        for (start, name), color in zip(STARTS.items(), plotting.COLORS, strict=False):
            course = found.courses[start]
            epochs = range(1, course.shape[1] + 1)
            axes.plot(epochs, course.mean(0), color=color, label=name)
            axes.fill_between(epochs, course.amin(0), course.amax(0), color=color, alpha=0.2, linewidth=0)
        axes.set_yscale("log")
        plotting.epochs_axis(axes, found.epochs)
    legend = panels[0].legend(frameon=False, fontsize=8, labelcolor=plotting.INK, loc="upper right")
    legend.set_title("first weights", FontProperties(size=8))
    plotting.suptitle(figure, f"Perceptrons 784-256-256-10, rate {RATES[1]:g}: mean and range over the runs")
    return figure


def _few(sets: Sequence[Sequence[Tensor]], data: Dataset, count: int, draws: int) -> Tensor:
    """Which test digits are right, a row a draw; the penalty is chosen on the validation digits."""
    targets, wanted, truth = (part.target("label") for part in (data.train, data.validation, data.test))
    whole = 10 * count >= len(targets)
    rows = []
    for seed in range(1 if whole else draws):
        train, validation, test = sets[seed % len(sets)]
        index = _labeled(data, count, seed)
        best, hits = -1.0, torch.zeros(len(test))
        for l2 in PENALTIES:
            found = softmax_regression(train[index], targets[index], l2)
            weight, bias = found.weight.float(), found.intercept.float()
            score = float(((validation @ weight.T + bias).argmax(1) == wanted).float().mean())
            if score > best:
                best, hits = score, ((test @ weight.T + bias).argmax(1) == truth).float()
        rows.append(hits)
    return torch.stack(rows)


def _labels_figure(right: dict[str, list[Tensor]], labels: Sequence[int]) -> Figure:
    figure = plotting.new_figure(7.2, 4.4)
    axes = figure.subplots()
    plotting.style_axes(axes, "Softmax regression on MNIST-5k", "labeled digits a class", "test accuracy, %")
    for (name, rows), color, marker in zip(right.items(), plotting.COLORS, plotting.MARKERS, strict=False):
        spreads = [float(r.std()) if len(r) > 1 else 0.0 for r in rows]
        axes.errorbar(
            labels, [float(r.mean()) for r in rows], yerr=spreads, color=color, marker=marker, capsize=3, label=name
        )
    axes.set_xscale("log")
    axes.set_xticks(labels, [str(k) for k in labels])
    axes.minorticks_off()
    legend = axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK, loc="lower right")
    legend.set_title("bars: standard deviation over draws", FontProperties(size=8))
    return figure


def _hidden(machine: RBM, weight: Tensor, v: Tensor) -> Tensor:
    return torch.sigmoid(F.linear(v, weight, machine.hidden_bias)).detach()


def _shuffled(weight: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.stack([row[torch.randperm(len(row), generator=generator)] for row in weight.detach()])


def _recipe(spec: RBMSpec, epochs: int, seed: int = 0, rate: float = 0.02, momentum: float = 0.9) -> Recipe:
    optimizer = Optimizer("momentum", lr=rate, momentum=momentum)
    return Recipe(name="rbm", net=spec, optimizer=optimizer, epochs=epochs, device="cpu", seed=seed)


def _trained(data: Dataset, recipe: Recipe) -> tuple[RBM, EpochEnded]:
    session = build_session(recipe, data)
    last = _ends(session)[-1]
    assert isinstance(session.net, RBM)
    return session.net.requires_grad_(False), last


def _ends(session: Session) -> list[EpochEnded]:
    """Learn; return the epochs."""
    return [event for event in session.events() if isinstance(event, EpochEnded)]


def _annealed(machine: RBM, base: Tensor, steps: int) -> LogPartition:
    return estimate_log_partition(
        machine.weights, base=base, chains=100, steps=steps, generator=torch.Generator().manual_seed(0)
    )


def _bits(part: Examples) -> Tensor:
    return (raw(part) > 127).float()


def _gibbs_gap(weight: Tensor, bias: Tensor) -> float:
    """Total variation between the states of chains and P, counted out."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 2, (2000, len(bias)), generator=generator).float()
    for _ in range(50):
        x = sweep(weight, bias, x, generator=generator)
    numbers = (x @ 2.0 ** torch.arange(len(bias) - 1, -1, -1)).long()
    seen = torch.bincount(numbers, minlength=2 ** len(bias)) / len(x)
    return float((seen - distribution(weight, bias)).abs().sum()) / 2


def raw(part: Examples) -> Tensor:
    """Inputs as they are stored, a row an example."""
    return torch.cat(list(part.pieces(next(iter(part.schema.inputs))))).flatten(1)
