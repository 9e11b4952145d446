"""A net as a scikit-learn regressor: the library's own trainer behind `fit` and `predict`, for numbers."""

import inspect
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from neurarium.checks import ConfigError, DataError
from neurarium.data.scaling import Scaling
from neurarium.estimator.base import NUMBERS, NeuralEstimator, scaling_of
from neurarium.estimator.inputs import as_table
from neurarium.learning.loss import LossName

LOSSES: dict[str, LossName] = {"squared_error": "squared-error", "absolute_error": "absolute-error"}
"""Under the names of scikit-learn."""


class NeuralRegressor(RegressorMixin, NeuralEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """A neural net for numbers that scikit-learn can fit, search, put into a pipeline and validate.

    The net learns standardized targets, by mean and standard deviation of each output over the examples that it learns
    from; predictions are in the units of y. The loss and `tol` are therefore without units. An output that is
    the same number for all examples is predicted as that number. The score is R^2. Parameters, attributes and errors
    are those of `NeuralEstimator`; besides:
    `loss`: what learning makes small, of the standardized numbers and summed over the outputs: "squared_error"
    (halved), which aims at the mean of y given x, or "absolute_error", which aims at the median.

    Attributes:
        n_outputs_: numbers in a prediction.
        net_: the trained `nn.Module`, from scaled inputs to standardized outputs.
        target_scaling_: the scaling from y to what the net learns, whose `undo` leads back.
        constants_: for each output the number that all examples have; NaN where they differ.
        validation_scores_: fraction of the variance explained on the examples held out, after each epoch: 1 - the mean
            square of what remains, in units of the variance of the other examples, mean over the outputs; none without
            `early_stopping`.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.model_selection import train_test_split
        >>> X, test_X, y, test_y = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
        >>> regressor = NeuralRegressor(early_stopping=True, random_state=0).fit(X, y)
        >>> round(regressor.score(test_X, test_y), 1)
        0.3
        >>> regressor.predict(test_X[:3]).round(-1), test_y[:3]
        (array([260., 240., 170.], dtype=float32), array([321., 215., 127.]))
    """

    constants_: Float64[np.ndarray, " outputs"]
    n_outputs_: int
    target_scaling_: Scaling

    def __init__(self, net: Any = "mlp", *, loss: Any = "squared_error", **shared: Any) -> None:
        super().__init__(net, **shared)
        self.loss = loss

    def fit(self, X: Any, y: Any) -> "NeuralRegressor":
        """Learn from examples, anew at every call.

        Args:
            X: (examples, features), or images (examples, height, width) or (examples, channels, height, width).
            y: a number an example, (examples); or several, (examples, outputs).
        """
        if not isinstance(self.loss, str) or self.loss not in LOSSES:
            raise ConfigError("loss", expected=f"one of {', '.join(LOSSES)}", got=repr(self.loss))
        table, images = as_table(X)
        table, y = validate_data(self, table, y, dtype=NUMBERS, multi_output=True)
        numbers = _as_numbers(y)
        rows = numbers.reshape(len(numbers), -1)
        names = tuple(f"output {k}" for k in range(rows.shape[1]))
        dataset = self._learn(table, images, torch.from_numpy(rows), names, LOSSES[self.loss])
        self.target_scaling_ = scaling_of(dataset.schema.target)
        self.constants_ = np.where((rows == rows[0]).all(0), rows[0], np.nan)
        self.n_outputs_ = rows.shape[1]
        self._flat = numbers.ndim == 1
        self._type = np.float32 if self._flat and _fit_float32(rows) else np.float64
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " examples *outputs"]:
        """Return the predictions in the units of y: (examples) where y was so, else (examples, outputs).

        One number an example comes in float32, as the net computes, or in float64 where the numbers learned from are so
        large beside their spread that float32 would lose digits. Rows of outputs are float64, as scikit-learn wants.
        """
        outputs = self._outputs(X)
        answers = self.target_scaling_.undo(outputs.double()).numpy()
        answers = np.where(np.isnan(self.constants_), answers, self.constants_).astype(self._type)
        return answers[:, 0] if self._flat else answers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _joint_signature() -> inspect.Signature:
    """The parameters of all estimators and those of `NeuralRegressor` alone: scikit-learn and help read them here."""
    own, shared = (inspect.signature(kind.__init__).parameters for kind in (NeuralRegressor, NeuralEstimator))
    return inspect.Signature([*shared.values(), own["loss"]])


setattr(NeuralRegressor.__init__, "__signature__", _joint_signature())  # noqa: B010  # functions declare no such field


def _fit_float32(rows: Float64[np.ndarray, "examples outputs"]) -> bool:
    """Whether float32 holds numbers to a hundred-thousandth of their standard deviation."""
    largest, spread = np.abs(rows).max(0), np.where((rows == rows[0]).all(0), 0.0, rows.std(0))
    return bool((largest <= 100 * spread).all() and largest.max() < 1e30)


def _as_numbers(y: Any) -> Float64[np.ndarray, " examples *outputs"]:
    """Return checked targets in float64. Raises DataError: they are no numbers."""
    given = np.asarray(y)
    # text that reads as numbers is refused too: it may as well be names of classes
    text = given.dtype.kind in "US" or any(isinstance(number, str) for number in given.flat if given.dtype.kind == "O")
    try:
        if not text:
            return given.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise DataError(
        "y",
        expected="numbers to predict",
        got=f"{'text such as ' if text else ''}{str(given.flat[0])!r:.60}",
        remedy="take NeuralClassifier for classes",
    )
