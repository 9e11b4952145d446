import math

import numpy as np
import pytest

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.nets.connectionist.mistake_driven import PerceptronState, one_pass


def by_loop(x, y, epochs, rate=1.0, bias=True):
    """Algorithm 1 as it stands: weights after each example, and the mistakes."""
    w, b, course, mistakes = np.zeros(x.shape[1]), 0.0, [], []
    for t in range(epochs * len(x)):
        i = t % len(x)
        a = w @ x[i] + b
        if y[i] * a <= 0:
            mistakes.append((i, t, -y[i] * a))
            w = w + rate * y[i] * x[i]
            b = b + rate * y[i] * bias
        course.append((w, b))
    return course, mistakes


def noisy(n: int = 400, d: int = 7, noise: float = 0.1, seed: int = 0):
    rng = np.random.default_rng(seed)
    x = rng.integers(-8, 9, (n, d)).astype(np.float64)
    y = np.where(x @ rng.standard_normal(d) + 0.5 > 0, 1.0, -1.0)
    return x, np.where(rng.random(n) < noise, -y, y)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("parts", [1, 5, 400])
def test_every_mistake_is_that_of_the_loop(noise: float, bias: bool, parts: int) -> None:
    x, y = noisy(noise=noise)
    course = PerceptronState(7, rate=2.0, bias=bias, dtype=np.float64)
    seen = [
        course.partial_fit(a, b) for _ in range(3) for a, b in zip(np.split(x, parts), np.split(y, parts), strict=True)
    ]
    steps, expected = by_loop(x, y, 3, 2.0, bias)
    assert np.concatenate([m.steps for m in seen]).tolist() == [t for _, t, _ in expected]
    assert np.concatenate([m.losses for m in seen]).tolist() == [loss for _, _, loss in expected]
    if parts == 1:
        assert np.concatenate([m.examples for m in seen]).tolist() == [i for i, _, _ in expected]
        assert seen[1].by_epoch(400, 3).tolist() == [0, len(seen[1]), 0]
    np.testing.assert_array_equal(course.weight, steps[-1][0])
    assert course.bias == steps[-1][1]
    assert course.mistakes == len(expected)


def test_long_stretches_without_a_mistake() -> None:
    # more than the longest product, so that the stretch grows and shrinks
    x = np.ones((50_000, 1))
    y = np.ones(50_000)
    y[[30_000, 30_001, 49_999]] = -1
    _, mistakes = one_pass(x, y, np.zeros(1), 0.0)
    # +1: (w, b) = (1, 1); -1: a = 2, then 0 (still a mistake); back below: the next +1 sees a = -2
    assert mistakes.examples.tolist() == [0, 30_000, 30_001, 30_002, 30_003, 49_999]


@pytest.mark.parametrize("bias", [True, False])
def test_mistakes_that_come_dense_then_rare_then_dense(bias: bool) -> None:
    # both ways of taking scores, and more examples of each than are copied at a time
    x, y = noisy(3000, 5, 0.0)
    flipped = np.random.default_rng(1).random(3000) < np.where(np.arange(3000) // 1000 == 1, 0.0, 0.4)
    y = np.where(flipped, -y, y)
    weight = np.zeros(5)
    offset, found = one_pass(x, y, weight, 0.0, 0.5, bias)
    steps, expected = by_loop(x, y, 1, 0.5, bias)
    assert found.examples.tolist() == [i for i, _, _ in expected]
    assert found.losses.tolist() == [loss for _, _, loss in expected]
    np.testing.assert_array_equal(weight, steps[-1][0])
    assert offset == steps[-1][1]


@pytest.mark.parametrize("parts", [1, 8])
def test_averages_are_means_over_all_examples_seen(parts: int) -> None:
    x, y = noisy()
    course = PerceptronState(7, "averaged", 0.5, dtype=np.float64)
    for _ in range(4):
        for a, b in zip(np.split(x, parts), np.split(y, parts), strict=True):
            course.partial_fit(a, b)
    steps, _ = by_loop(x, y, 4, 0.5)
    weight, bias = course.answer()
    np.testing.assert_allclose(weight, np.mean([w for w, _ in steps], axis=0), rtol=1e-12)
    assert bias == pytest.approx(np.mean([b for _, b in steps]), rel=1e-12)


def longest_run(x, y, epochs, ratchet):
    """Gallant's pocket, example by example: a run of right answers is judged when it ends."""
    course, mistakes = by_loop(x, y, epochs)
    ends = [t for _, t, _ in mistakes] + [epochs * len(x)]
    w, longest, fewest, begin = (np.zeros(x.shape[1]), 0.0), 0, math.inf, 0
    for end in ends:
        run = end - begin
        content = course[begin - 1] if begin else (np.zeros(x.shape[1]), 0.0)
        begin = end + 1
        if run > longest:
            wrong = int((y * (x @ content[0] + content[1]) <= 0).sum())
            if ratchet and wrong >= fewest:
                continue
            w, longest, fewest = content, run, wrong
    return w, longest


@pytest.mark.parametrize("ratchet", [False, True])
def test_pocket_holds_the_weights_of_the_longest_run(ratchet: bool) -> None:
    for seed in range(5):
        x, y = noisy(seed=seed)

        def wrong(w, b, x=x, y=y):
            return int((y * (x @ w + b) <= 0).sum())

        course = PerceptronState(7, "pocket", dtype=np.float64, mistakes_of=wrong if ratchet else None)
        for _ in range(6):
            course.partial_fit(x, y)
        # a run that is still going on at the end of a pass is judged there and again when it ends
        (w, b), longest = longest_run(x, y, 6, ratchet)
        weight, bias = course.answer()
        np.testing.assert_array_equal(weight, w)
        assert (bias, course.longest) == (b, longest)


def test_runs_go_on_from_batch_to_batch() -> None:
    x, y = noisy()
    whole, parts = (PerceptronState(7, "pocket", dtype=np.float64) for _ in range(2))
    for _ in range(5):
        whole.partial_fit(x, y)
        for a, b in zip(np.split(x, 16), np.split(y, 16), strict=True):
            parts.partial_fit(a, b)
    assert whole.longest == parts.longest
    np.testing.assert_array_equal(whole.answer()[0], parts.answer()[0])


def test_before_anything_is_seen_all_weights_are_zero() -> None:
    for answers in ("last", "pocket", "averaged"):
        weight, bias = PerceptronState(3, answers).answer()
        assert weight.tolist() == [0, 0, 0]
        assert bias == 0


def test_overflow_stops_before_the_update() -> None:
    x = np.full((2, 1), 3e38, dtype=np.float32)
    course = PerceptronState(1)
    with np.errstate(over="ignore"), pytest.raises(NonFiniteError, match="example 1"):
        course.partial_fit(x, np.array([1, -1], dtype=np.float32))
    assert course.weight.tolist() == [x[0, 0]]


def test_settings_that_cannot_be() -> None:
    for rate in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="rate"):
            PerceptronState(2, rate=rate)
    with pytest.raises(ConfigError, match="averaged"):
        PerceptronState(2, "average")
