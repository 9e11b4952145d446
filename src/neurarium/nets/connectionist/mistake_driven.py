"""Learning from mistakes: passes over the examples, the log of the mistakes, and which weights to answer with.

    a = w . x + b;    y a <= 0:    w <- w + eta y x,   b <- b + eta y

    last       the weights after the last mistake
    pocket     the weights that were right for longest
    averaged   1/T sum_{t=1}^T w_t, over all T examples seen, w_t the weights after example t

A pass is sequential, example by example, but scores come for a stretch of examples from one product with the weights,
and the stretch begins anew behind each mistake; its length follows the gaps between mistakes. Where mistakes are dense,
examples are first copied as y (x, 1): a product with (w, b) is then y a, and a mistake adds a row. All is NumPy: a
mistake costs a handful of small operations, which torch would call several times as slowly.

Source: F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
1958; S. Gallant, "Perceptron-based learning algorithms", 1990 (pocket); Y. Freund, R. Schapire, "Large margin
classification using the perceptron algorithm", 1999 (averaged).
Departs from the notes: a score of 0 is a mistake for either label: 004 has sgn(0) = 0, 003 +1 (errata E25). 003 steps
by eta (y - y^) x, which for signs is 2 eta y x (E26).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from neurarium.checks import ConfigError, NonFiniteError, choose
from neurarium.nets.connectionist.perceptron_spec import ANSWERS

_LONGEST = 8192  # examples in one product: their scores stay in the cache
_CALL = 32  # examples whose scores cost less than calling for them
_DENSE = 32  # examples from mistake to mistake below which copies with their signs are made
_SIGNED = 512  # such copies at a time, so that they stay in the cache


@dataclass(frozen=True, eq=False)
class Mistakes:
    """Which example was answered wrongly, when, and by how much."""

    examples: Int[np.ndarray, " mistakes"]  # their numbers, in the order of the mistakes
    steps: Int[np.ndarray, " mistakes"]  # how many examples had been seen before each, over all passes
    losses: Float[np.ndarray, " mistakes"]  # -y a >= 0 at that moment

    def __len__(self) -> int:
        return len(self.examples)

    def by_epoch(self, examples: int, epochs: int) -> Int[np.ndarray, " epochs"]:
        """Count the mistakes of each pass over so many examples."""
        return np.bincount(self.steps // examples, minlength=epochs)


def one_pass(
    x: Float[np.ndarray, "examples features"],
    y: Float[np.ndarray, " examples"],
    weight: Float[np.ndarray, " features"],
    bias: float,
    rate: float = 1.0,
    learn_bias: bool = True,
    first: int = 0,
) -> tuple[float, Mistakes]:
    """Show each example once, in order; `weight` is changed in place, the bias and the mistakes are returned.

    Args:
        x, y: examples and their signs, of the type of the weight.
        first: number of examples seen before, from which the steps of the mistakes are counted.
    Raises NonFiniteError: a score is infinite or undefined; the weights hold the mistakes before it.
    """
    count, start, gap, length = len(x), 0, float(_DENSE), 2 * _CALL
    wrong: list[int] = []
    losses: list[float] = []
    scores = np.empty(min(count, _LONGEST), x.dtype)
    both = np.append(weight, x.dtype.type(bias))  # (w, b), as (y x, y) wants it
    inner, changed = both[:-1], both if learn_bias else both[:-1]
    signed, begin, end = np.empty((min(count, _SIGNED), len(both)), x.dtype), 0, 0
    steps = signed
    try:
        while start < count:
            if start >= end and gap < _DENSE:
                begin, end = start, min(start + _SIGNED, count)
                np.multiply(x[begin:end], y[begin:end, None], out=signed[: end - begin, :-1])
                signed[: end - begin, -1] = y[begin:end]
                steps = rate * signed[: end - begin, : len(changed)]
            if start < end:
                stop = min(start + length, end)
                margin = signed[start - begin : stop - begin].dot(both)
            else:
                stop = min(start + length, count)
                margin = scores[: stop - start]
                np.dot(x[start:stop], inner, out=margin)
                margin += both[-1]
                margin *= y[start:stop]
            # an undefined score is not above 0 either; the first such is found faster among bytes than by argmin
            ahead = (margin > 0).tobytes().find(0)
            if ahead < 0:
                gap += 0.1 * (stop - start)
                start, length = stop, min(2 * length, _LONGEST)
                continue
            at, loss = start + ahead, -margin.item(ahead)
            if not math.isfinite(loss):
                raise _non_finite(at, loss)
            if at < end:
                changed += steps[at - begin]
            else:
                step = rate * y[at]
                inner += step * x[at]
                both[-1] += step * learn_bias
            wrong.append(at)
            losses.append(loss)
            gap += 0.1 * (ahead - gap)
            # between calling too often and scores thrown away at the next mistake
            start, length = at + 1, min(max(_CALL, int(math.sqrt(2 * _CALL * gap))), _LONGEST)
    finally:
        weight[:] = inner
    examples = np.array(wrong, dtype=np.int64)
    return float(both[-1]), Mistakes(examples, examples + first, np.array(losses))


class PerceptronState:
    """Learning from examples as they come: the weights, and what the other answers need.

    `mistakes_of`: (weight, bias) to the mistakes on all examples; with it the pocket takes only weights that make fewer
    of them (Gallant's ratchet), without it those of any longer run of right answers.
    Raises ConfigError: unknown answers, or a rate that is not positive.
    """

    def __init__(
        self,
        features: int,
        answers: str = "last",
        rate: float = 1.0,
        bias: bool = True,
        dtype: np.dtype | type = np.float32,
        mistakes_of: Callable[[np.ndarray, float], int] | None = None,
    ) -> None:
        choose(answers, ANSWERS, "answers")
        if not 0 < rate < math.inf:
            raise ConfigError(
                "rate", expected="a number > 0", got=str(rate), remedy="it sets the weights' length alone"
            )
        self.answers, self.rate, self.learn_bias = answers, rate, bias
        self.weight, self.bias = np.zeros(features, dtype), 0.0
        self.seen = self.mistakes = self.run = self.longest = 0
        # for the averages the sum they lag behind by, for the pocket its content
        self.other, self.other_bias = np.zeros(features, np.float64 if answers == "averaged" else dtype), 0.0
        self._mistakes_of, self._fewest = mistakes_of, math.inf

    def partial_fit(self, x: Float[np.ndarray, "examples features"], y: Float[np.ndarray, " examples"]) -> Mistakes:
        """Show each example once, in order. Raises NonFiniteError: a score is infinite or undefined."""
        before = self.weight.copy(), self.bias
        self.bias, mistakes = one_pass(x, y, self.weight, self.bias, self.rate, self.learn_bias, self.seen)
        if self.answers == "averaged":
            # 1/T sum_{t=1}^T w_t = w_T - 1/T sum_k s_k eta y_k x_k, where s_k examples were seen before mistake k
            factors = self.rate * mistakes.steps * y[mistakes.examples].astype(np.float64)
            self.other += factors @ x[mistakes.examples]
            self.other_bias += float(factors.sum()) if self.learn_bias else 0.0
        elif self.answers == "pocket":
            self._fill_pocket(x, y, mistakes, *before)
        self.seen += len(x)
        self.mistakes += len(mistakes)
        return mistakes

    def answer(self) -> tuple[Float[np.ndarray, " features"], float]:
        """Weights and bias to answer with."""
        if self.answers == "averaged" and self.seen:
            mean = self.weight - self.other / self.seen
            return mean.astype(self.weight.dtype), self.bias - self.other_bias / self.seen
        if self.answers == "pocket" and self.longest:
            return self.other, self.other_bias
        return self.weight, self.bias

    def _fill_pocket(self, x: np.ndarray, y: np.ndarray, mistakes: Mistakes, weight: np.ndarray, bias: float) -> None:
        """Look at each run of right answers that is longer than the longest so far."""
        at = mistakes.examples
        runs = np.diff(at, prepend=-1, append=len(x)) - 1
        runs[0] += self.run
        self.run = int(runs[-1])
        for k in np.flatnonzero(runs > self.longest):
            if runs[k] <= self.longest:
                continue
            chosen = at[:k]
            content = weight + (self.rate * y[chosen]) @ x[chosen]
            offset = bias + (self.rate * float(y[chosen].sum()) if self.learn_bias else 0.0)
            if self._mistakes_of is not None:
                wrong = self._mistakes_of(content, offset)
                if wrong >= self._fewest:
                    continue
                self._fewest = wrong
            self.longest, self.other, self.other_bias = int(runs[k]), content.astype(x.dtype), offset


def check_finite(x: Float[np.ndarray, "examples features"]) -> None:
    """Refuse examples that are not numbers. Raises NonFiniteError: says which is the first."""
    # the sum of all shows it in one pass; only then it is worth looking for the place
    with np.errstate(over="ignore", invalid="ignore"):
        if math.isfinite(x.sum()):
            return
    wrong = ~np.isfinite(x).all(1)
    if wrong.any():
        raise _non_finite(int(wrong.argmax()), math.nan)


def _non_finite(example: int, loss: float) -> NonFiniteError:
    return NonFiniteError(
        f"example {example}",
        expected="finite numbers",
        got="an infinite or undefined one" if math.isnan(loss) else f"a score of {loss:g}",
        remedy="leave the example out or fix it; the weights hold what was learned before it",
    )
