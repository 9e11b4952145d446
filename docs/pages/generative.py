"""Write `docs/generative.md`: each number and each image of the page is computed here.

python docs/pages/generative.py            the whole page, some minutes on two cores
python docs/pages/generative.py --quick    fewer examples and epochs: does everything run? Writes nothing.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from page import Page
from regressions import softmax_regression
from torch import Tensor, nn

import neurarium
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.mixtures import grid, load_grid, load_ring, mode_scores, ring
from neurarium.data.scaling import unscaled
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.frechet import class_coverage, frechet_distance, gaussian_of
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.psnr import psnr
from neurarium.learning.schedules import Schedule
from neurarium.nets.generative.autoencoder import Autoencoder, dense_autoencoder
from neurarium.nets.generative.corruption import NOISES
from neurarium.nets.generative.gan import GAN
from neurarium.nets.generative.specs import (
    AutoencoderSpec,
    ConvolutionalAutoencoderSpec,
    DCGANSpec,
    GANSpec,
)
from neurarium.nets.parts.features import truncate
from neurarium.nets.parts.value_range import scaled_range
from neurarium.nets.spec import NetSpec
from neurarium.record.events import EpochEnded
from neurarium.report import plotting
from neurarium.report.samples import points_figure, reconstructions_figure, samples_figure
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session
from results import score_table

DOCS = Path(__file__).parent.parent
WHITE = 255.0
AMOUNT = 0.3
CODE = 32
# of all two-dimensional games on this page
GAME = Recipe(
    optimizer=Optimizer("adam", lr=2e-3, betas=(0.5, 0.9)),
    schedule=Schedule("cosine"),
    batch_size=256,
    early_stopping=EarlyStopping(restore_best=False),
    device="cpu",
)


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of scaled examples, a reconstruction to compare with.

    Attributes:
        mean: of the examples, flattened.
        basis: components, one a row, largest variance first.
    """

    mean: Tensor
    basis: Tensor

    @classmethod
    def of(cls, x: Tensor) -> "Components":
        """Fit to examples."""
        flat = x.flatten(1).double()
        values, vectors = torch.linalg.eigh(torch.cov(flat.T))
        return cls(flat.mean(0), vectors.flip(1).T[: int((values > 0).sum())])

    def encode(self, x: Tensor, count: int) -> Tensor:
        """Coordinates along the first `count` components."""
        return (x.flatten(1).double() - self.mean) @ self.basis[:count].T

    def through(self, x: Tensor, count: int) -> Tensor:
        """Reconstructions from as many numbers."""
        made = self.encode(x, count) @ self.basis[:count] + self.mean
        return made.view(x.shape).float()


def autoencoders(page: Page, data: Dataset, codes: tuple[int, ...], epochs: int, convolutional: int) -> None:
    """Dense and convolutional against PCA with a code of the same size."""
    page.heading("Auto-encoder")
    page.say(
        f"""z = f(x) is a narrow code, x' = g(z) the reconstruction, and both learn to make E |x' - x|^2 small. PCA is
        the best that linear f and g can do; with hidden layers the code may bend. {len(data.train):,} images of
        Fashion-MNIST to learn from; PSNR, 10 log10(255^2 / mean squared error), on {len(data.test):,} test images.
        Dense: 784-256-128-code and back, {epochs} epochs; convolutional: 28 x 28 - 14 x 14 - 7 x 7 - code and back, 16
        and 32 maps, {convolutional} epochs; Adam."""
    )
    train, test = inputs(data.train), inputs(data.test)
    components = Components.of(train)
    found: dict[str, dict[int, Tensor]] = {"PCA": {k: components.through(test, k) for k in codes}}
    found["dense"] = {k: _reconstructed(_learned(AutoencoderSpec(latent_dim=k), data, epochs), test) for k in codes}
    spec = ConvolutionalAutoencoderSpec(latent_dim=CODE, channels=16)
    found["convolutional"] = {CODE: _reconstructed(_learned(spec, data, convolutional, 64), test)}
    figure = plotting.new_figure(6.6, 3.4)
    axes = figure.subplots()
    quality = {n: {k: _psnr(made, test, data) for k, made in rows.items()} for n, rows in found.items()}
    for (name, scores), color, marker in zip(quality.items(), plotting.COLORS, plotting.MARKERS, strict=False):
        axes.plot(list(scores), list(scores.values()), color=color, marker=marker, label=name)
    plotting.style_axes(axes, "", "numbers of the code", "PSNR on test images, dB")
    axes.set_xscale("log")
    axes.set_xticks(codes, map(str, codes))
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK)
    page.picture("code", "PSNR against the size of the code for PCA and two auto-encoders", figure)
    gains = [f"{quality['dense'][k] - quality['PCA'][k]:+.1f} dB at {k}" for k in codes]
    page.say(f"Dense less PCA: {', '.join(gains)} numbers.")
    page.table(
        ("code", *(f"{name}, dB" for name in quality)),
        [(str(k), *(f"{scores[k]:.2f}" if k in scores else "" for scores in quality.values())) for k in codes],
    )
    shown = {"original": test, **{name: rows[CODE] for name, rows in found.items()}}
    page.picture(
        "reconstructions",
        f"images and their reconstructions from {CODE} numbers",
        reconstructions_figure(_pixels(shown, data, 12), f"Through {CODE} numbers"),
    )


def principal_subspace(page: Page, rounds: int) -> None:
    """A linear auto-encoder and the components."""
    page.heading("A linear auto-encoder spans the principal subspace")
    x = torch.cat(list(neurarium.load_data("digits").train.pieces("features"))).double() / 16
    code, each = 6, 10
    components = Components.of(x)
    best = float((components.through(x, code).double() - x).square().mean())
    torch.manual_seed(0)
    net = dense_autoencoder(tuple(x.shape[1:]), (), code).double()
    descent = torch.optim.LBFGS(
        net.parameters(), max_iter=each, history_size=20, line_search_fn="strong_wolfe", tolerance_grad=0,
        tolerance_change=0,
    )  # fmt: skip

    def loss() -> Tensor:
        descent.zero_grad()
        value = (net(x) - x).square().mean()
        value.backward()
        return value

    angles, excess = [_angles(net, components.basis[:code])], [loss().item() / best - 1]
    for _ in range(rounds):
        descent.step(loss)
        angles.append(_angles(net, components.basis[:code]))
        excess.append(loss().item() / best - 1)
    figure = plotting.new_figure(7.6, 3.4)
    axes = figure.subplots()
    steps = [each * k for k in range(rounds + 1)]
    for k, color in zip(range(code), plotting.COLORS, strict=False):
        axes.plot(steps, [float(a[k]) for a in angles], color=color, label=f"angle {k + 1}")
    plotting.style_axes(axes, "", "steps of L-BFGS", "principal angle, degrees")
    axes.set_yscale("log")
    axes.set_xlim(0, steps[-1])
    axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK, ncols=2)
    page.say(
        f"""Without hidden layers the best code spans the same space as the first principal components, whatever axes it
        takes within it. {len(x):,} digits of 8 x 8 pixels, a code of {code}: the {code} angles between the decoder's
        columns and the components fall to at most {float(angles[-1].max()):.2g} degrees after {steps[-1]} steps, and
        the error to {excess[-1]:.1e} above PCA's, as a fraction of it."""
    )
    page.picture("angles", "principal angles between decoder and components against steps", figure)


def denoising(page: Page, data: Dataset, epochs: int) -> None:
    """Three noises, denoised; and what the codes are good for."""
    page.heading("Denoising auto-encoder")
    test = inputs(data.test)
    components = Components.of(inputs(data.train))
    ends = scaled_range(data.schema.input, "denoising auto-encoder")
    plain = _learned(AutoencoderSpec(latent_dim=CODE), data, epochs)
    nets: dict[str, Autoencoder] = {}
    rows, table = {"original": test}, []
    for name, damage in NOISES.items():
        spec = AutoencoderSpec(latent_dim=CODE, corruption=name, amount=AMOUNT)  # type: ignore[arg-type]
        nets[name] = _learned(spec, data, epochs)
        damaged = damage(test, AMOUNT, ends, torch.Generator().manual_seed(0))
        denoised = _reconstructed(nets[name], damaged)
        answers = (damaged, components.through(damaged, CODE), _reconstructed(plain, damaged), denoised)
        rows[name], rows[f"{name}, denoised"] = damaged, denoised
        table.append((name, *(f"{_psnr(made, test, data):.2f}" for made in answers)))
    shown = torch.arange(12) * len(test) // 12  # the test digits lie in order of their classes
    rows = {name: row[shown] for name, row in rows.items()}
    page.say(
        f"""It sees a damaged example and is asked for the whole one. The damage is a layer of the net that acts in
        training alone. MNIST-5k, {AMOUNT:.0%} of the pixels hit (Gaussian: standard deviation {AMOUNT:.0%} of the range
        of the pixels), a code of {CODE}, {epochs} epochs; PSNR in dB on test digits damaged in the same way:"""
    )
    page.picture("denoising", "digits damaged by three noises, and denoised", reconstructions_figure(
        _pixels(rows, data, 12), "Damaged and denoised"))  # fmt: skip
    page.table(("noise", "damaged", f"PCA, {CODE} components", "plain auto-encoder", "denoising auto-encoder"), table)
    better = [name for name, *scores in table if float(scores[3]) > float(scores[1])]
    page.say(f"Better than PCA of the same size at {' and '.join(better) or 'none'}.")
    page.say(
        """The codes as features: error on the validation digits of a softmax regression on them, for all labels and
        for 200 of them."""
    )
    encoders: dict[str, Callable[[Tensor], Tensor]] = {
        "784 pixels": lambda x: x.flatten(1).double(),
        f"{CODE} principal components": lambda x: components.encode(x, CODE),
        f"code of {CODE}, plain": lambda x: _encoded(plain, x),
        **{f"code of {CODE}, {name}": _encoder(net) for name, net in nets.items()},
    }
    y = data.train.target("label")
    few = torch.cat([(y == k).nonzero().flatten()[:20] for k in range(10)])
    counts = (torch.arange(len(y)), few)
    page.table(
        ("features", f"error with {len(y):,} labels, %", f"error with {len(few)} labels, %"),
        [
            (name, *(f"{_linear_error(encode, data, index):.1f}" for index in counts))
            for name, encode in encoders.items()
        ],
    )


def adversarial(page: Page, epochs: int, seeds: int) -> None:
    """Mixtures in the plane: modes, losses, penalty."""
    page.heading("Generative adversarial nets")
    page.say(
        f"""A generator makes examples y = G(z) of noise z; a discriminator gives each example a logit, high for real
        ones; each makes its own loss small, in turn. On points drawn from narrow Gaussians it can be seen what a
        generator misses: a mode is covered when at least a tenth of its due of good points is there, and a point is
        good within three standard deviations of a center. Both nets have two hidden layers of 128 units; noise of 2
        numbers, Adam 2e-3 with betas 0.5 and 0.9, cosine schedule, batches of 256, {epochs} epochs."""
    )
    base = GANSpec(latent_dim=2)
    penalties, losses = (0.0, 0.1, 1.0), ("saturating", "least-squares")
    specs = {f"gamma = {gamma:g}": replace(base, penalty=gamma) for gamma in penalties}
    specs |= {name: replace(base, loss=name) for name in losses}  # type: ignore[arg-type]
    jobs = [("grid", base, epochs, 0), *(("ring", spec, epochs, s) for spec in specs.values() for s in range(seeds))]
    with get_context("spawn").Pool(2) as pool:
        # the longest game first, one at a time, so that neither worker waits
        grid_game, *games = pool.map(play, jobs, chunksize=1)
    found = {name: games[k * seeds : (k + 1) * seeds] for k, name in enumerate(specs)}
    for name, game, mixture in (("ring", found["gamma = 0.1"][0], ring()), ("grid", grid_game, grid())):
        modes, good = len(mixture.centers), game[0][-1]
        note = f"{good[1] * modes:.0f} of {modes} modes covered, {good[2]:.0%} of the points good"
        real = mixture.draw(250)[0].float()
        page.picture(name, f"real and generated points, {note}", points_figure(
            real, torch.from_numpy(game[1]), f"{name.capitalize()} of {modes}", note))  # fmt: skip
    figure = plotting.new_figure(9, 3.5)
    left, right = figure.subplots(1, 2)
    for gamma, color in zip(penalties, plotting.COLORS, strict=False):
        for seed, (course, _) in enumerate(found[f"gamma = {gamma:g}"]):
            epoch, covered, good_fraction = zip(*course, strict=True)
            label = f"gamma = {gamma:g}" if seed == 0 else None
            left.plot(epoch, [8 * fraction for fraction in covered], color=color, label=label, alpha=0.85)
            right.plot(epoch, [100 * fraction for fraction in good_fraction], color=color, alpha=0.85)
    plotting.style_axes(left, "", "epoch", "modes covered, of 8")
    plotting.style_axes(right, "", "epoch", "good points, %")
    for axes, top in ((left, 8.3), (right, 102)):
        axes.set_ylim(0, top)
        plotting.epochs_axis(axes, epochs)
    left.legend(frameon=False, fontsize=9, labelcolor=plotting.INK, loc="lower right")
    ends = "; ".join(
        f"{', '.join(f'{8 * course[-1][1]:.0f}' for course, _ in found[f'gamma = {gamma:g}'])} for gamma = {gamma:g}"
        for gamma in penalties
    )
    page.say(
        f"""The penalty gamma/2 E |da(x)/dx|^2 keeps the discriminator from being steep at the real examples, so that
        the game can come to rest where the generator is right; too much of it, and the discriminator no longer sees how
        narrow the modes are. The ring, {seeds} seeds each; modes covered at the end: {ends}."""
    )
    page.picture("penalty", "modes covered and good points over epochs for three weights of the penalty", figure)
    page.say(
        """The three losses, and the penalty; means over the seeds, in brackets the worst. Saturating: the generator
        makes E log(1 - s(a(y))) small, which is flat where the discriminator is sure; non-saturating: it makes
        E -log s(a(y)) small; least squares: it moves a(y) towards 1."""
    )
    names = {"saturating": ("saturating", "0.1"), "least-squares": ("least-squares", "0.1")}
    names |= {f"gamma = {gamma:g}": ("non-saturating", f"{gamma:g}") for gamma in penalties}
    page.table(
        ("loss", "gamma", "modes covered, of 8", "good points, %", "modes over the last ten epochs, at least"),
        [(*names[name], *_summary([game[0] for game in played])) for name, played in found.items()],
    )


Course = list[tuple[int, float, float]]


def play(job: tuple[str, GANSpec, int, int]) -> tuple[Course, np.ndarray]:
    """Play one game: epoch, modes covered and good points along its course, and 2,000 points at the end."""
    torch.set_num_threads(1)
    which, spec, epochs, seed = job
    data, mixture = (load_ring(), ring()) if which == "ring" else (load_grid(), grid())
    session = build_session(replace(GAME, net=spec, epochs=epochs, seed=seed), data)
    course: Course = []
    for event in session.events():
        if isinstance(event, EpochEnded) and (event.epoch % 2 == 0 or event.epoch == epochs):
            assert isinstance(session.net, GAN)
            scores = mode_scores(unscaled(session.net.sample(2000), data.schema.input), mixture)
            course.append((event.epoch, scores.covered, scores.good))
    assert isinstance(session.net, GAN)
    points: np.ndarray = unscaled(session.net.sample(2000), data.schema.input).numpy()
    return course, points


def pictures_of_noise(page: Page, data: Dataset, epochs: int, shown: tuple[int, ...], judge_epochs: int) -> None:
    """DCGAN on digits."""
    page.heading("Digits from noise")
    judge = build_session(replace(neurarium.recipe("lenet5"), epochs=judge_epochs, device="cpu"), data)
    for _ in judge.events():
        pass
    recipe = Recipe(
        net=DCGANSpec(channels=32, penalty=0.01),
        optimizer=Optimizer("adam", lr=1e-3, betas=(0.5, 0.999)),
        schedule=Schedule("cosine"),
        epochs=epochs,
        batch_size=64,
        early_stopping=EarlyStopping(restore_best=False),
        device="cpu",
    )
    session, rows, table = build_session(recipe, data), dict[str, Tensor](), []
    held_out = torch.cat([inputs(data.validation), inputs(data.test)])
    features, width = truncate(judge.net, "", data.schema.input.fixed_shape)
    target = gaussian_of(_answers(features, held_out))
    made = torch.empty(0)
    for event in session.events():
        if isinstance(event, EpochEnded) and event.epoch in shown:
            assert isinstance(session.net, GAN)
            made = session.net.sample(2000)
            rows[f"epoch {event.epoch}"] = made
            coverage = class_coverage(_answers(judge.net, made))
            distance = frechet_distance(gaussian_of(_answers(features, made)), target)
            table.append(
                (str(event.epoch), f"{distance:.1f}", f"{coverage.covered * 10:.0f}", f"{coverage.effective:.2f}",
                 f"{coverage.confidence:.3f}")
            )  # fmt: skip
    real = inputs(data.train)[torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))[:2000]]
    floor = frechet_distance(gaussian_of(_answers(features, real)), target)
    page.say(
        f"""DCGAN with 32 and 64 maps on the {len(data.train):,} training digits of MNIST-5k, gamma = 0.01, Adam 1e-3
        with betas 0.5 and 0.999, batches of 64, {epochs} epochs. The distance is Frechet's between 2,000 generated and
        {len(held_out):,} held-out digits in the {width} features of a LeNet-5 that has learned the real ones; 2,000
        training digits in place of generated ones are {floor:.1f} away. The LeNet also says which classes there are;
        exp of the entropy of their fractions is 10 where all are equally frequent."""
    )
    page.table(("epoch", "Frechet distance", "classes covered", "effective classes", "LeNet's confidence"), table)
    page.picture("course", "digits made of the same noise along the course", reconstructions_figure(
        _pixels(rows, data, 12), "The same noise along the course"))  # fmt: skip
    samples = unscaled(made[:80], data.schema.input)
    page.picture("digits", "80 generated digits", samples_figure(samples, f"After {epochs} epochs", columns=16))


def inputs(examples: Examples) -> Tensor:
    """All examples, scaled."""
    return examples.gather(torch.arange(len(examples))).x


def _learned(spec: NetSpec, data: Dataset, epochs: int, batch: int = 128) -> Autoencoder:
    recipe = Recipe(
        net=spec,
        optimizer=Optimizer("adam", lr=2e-3),
        schedule=Schedule("cosine", warmup=0.05),
        epochs=epochs,
        batch_size=batch,
        device="cpu",
    )
    session = build_session(recipe, data)
    for _ in session.events():
        pass
    assert isinstance(session.net, Autoencoder)
    return session.net.eval()


def _answers(net: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([net.eval()(part) for part in x.split(500)])


def _reconstructed(net: Autoencoder, x: Tensor) -> Tensor:
    return _answers(net, x)


def _encoded(net: Autoencoder, x: Tensor) -> Tensor:
    with torch.no_grad():
        return net.eval().encode(x).double()


def _encoder(net: Autoencoder) -> Callable[[Tensor], Tensor]:
    return lambda x: _encoded(net, x)


def _pixels(rows: Mapping[str, Tensor], data: Dataset, count: int) -> dict[str, Tensor]:
    return {name: unscaled(row[:count], data.schema.input) for name, row in rows.items()}


def _psnr(made: Tensor, originals: Tensor, data: Dataset) -> float:
    field = data.schema.input
    return psnr(unscaled(made, field), unscaled(originals, field), WHITE)


def _angles(net: Autoencoder, basis: Tensor) -> Tensor:
    """Principal angles between the decoder's columns and the components, in degrees, the smallest first.

    Their sines are the singular values of what is left of one orthonormal basis outside the other's span.
    """
    output = net.layers.get_submodule("output")
    assert isinstance(output, nn.Linear)
    columns = torch.linalg.qr(output.weight.detach()).Q
    outside = columns - basis.T @ (basis @ columns)
    return torch.linalg.svdvals(outside).clamp(max=1).asin().rad2deg().flip(0)


def _linear_error(encode: Callable[[Tensor], Tensor], data: Dataset, index: Tensor) -> float:
    """Error in % on the validation examples of a softmax regression on standardised features."""
    seen, held = encode(inputs(data.train)[index]), encode(inputs(data.validation))
    mean, deviation = seen.mean(0), seen.std(0) + 1e-9
    fit = softmax_regression((seen - mean) / deviation, data.train.target("label")[index], 1e-2)
    answers = fit.predict((held - mean) / deviation).argmax(1)
    return 100 * float((answers != data.validation.target("label")).double().mean())


def _summary(courses: list[Course]) -> tuple[str, str, str]:
    covered, good = ([course[-1][place] for course in courses] for place in (1, 2))
    late = min(entry[1] for course in courses for entry in course if entry[0] > course[-1][0] - 10)
    return (
        f"{8 * sum(covered) / len(covered):.1f} ({8 * min(covered):.0f})",
        f"{100 * sum(good) / len(good):.0f} ({100 * min(good):.0f})",
        f"{8 * late:.0f}",
    )


def _part(data: Dataset, train: int, test: int) -> Dataset:
    """The first examples of each part: enough here, in a time that fits."""
    kept = {"train": train, "validation": test, "test": test}
    return replace(data, **{name: getattr(data, name).select(torch.arange(count)) for name, count in kept.items()})


def main() -> None:
    """Compute everything, then write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer examples and epochs, write nothing")
    quick = parser.parse_args().quick
    page, digits = Page(None if quick else DOCS, "generative"), neurarium.load_data("mnist-5k")
    clothes = digits if quick else _part(neurarium.load_data("fashion-mnist"), 10_000, 2000)
    page.parts.append("# Generative nets")
    page.say(
        """Nets that make examples: from a narrow code, from damaged ones, from noise. This page is written by
        `docs/pages/generative.py`: no number in it was typed in. What the recipes reach (`neurarium train
        autoencoder|denoising-autoencoder|gan|dcgan`), from `RESULTS.md`:"""
    )
    score_table(page, "autoencoder", "denoising-autoencoder", "gan", "dcgan")
    autoencoders(page, clothes, (8, 32) if quick else (8, 16, 32, 64), 1 if quick else 30, 1 if quick else 10)
    principal_subspace(page, 5 if quick else 80)
    denoising(page, digits, 1 if quick else 60)
    adversarial(page, 3 if quick else 100, 1 if quick else 2)
    pictures_of_noise(page, digits, 1 if quick else 40, (1,) if quick else (1, 3, 10, 20, 40), 1 if quick else 25)
    if quick:
        print(page.text())
    else:
        (DOCS / "generative.md").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
