"""A net as a scikit-learn classifier: the library's own trainer behind `fit` and `predict`."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from neurarium.checks import DataError
from neurarium.estimator.base import NUMBERS, NeuralEstimator
from neurarium.estimator.inputs import as_table


class NeuralClassifier(ClassifierMixin, NeuralEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """A neural net that scikit-learn can fit, search, put into a pipeline and validate.

    Learning makes the cross-entropy of the softmax small. The score is the fraction of right answers, and with
    `early_stopping` so is that of the examples held out. Parameters, attributes and errors are those of
    `NeuralEstimator`; besides, `classes_` are the labels, sorted: column k of the probabilities is that of
    `classes_[k]`. Fewer than two classes are a DataError.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.model_selection import train_test_split
        >>> X, test_X, y, test_y = train_test_split(*load_digits(return_X_y=True), random_state=0)
        >>> classifier = NeuralClassifier(max_iter=15, random_state=0).fit(X, y)
        >>> classifier.predict(test_X[:5]), test_y[:5]
        (array([2, 8, 2, 6, 6]), array([2, 8, 2, 6, 6]))
        >>> classifier.score(test_X, test_y) > 0.96
        True
    """

    classes_: Shaped[np.ndarray, " classes"]

    def fit(self, X: Any, y: Any) -> "NeuralClassifier":
        """Learn from examples, anew at every call.

        Args:
            X: (examples, features), or images (examples, height, width) or (examples, channels, height, width).
            y: a label an example: numbers, text or truth values.
        """
        table, images = as_table(X)
        table, labels = validate_data(self, table, y, dtype=NUMBERS)
        check_classification_targets(labels)
        classes, targets = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise DataError("y", expected="two classes or more", got=f"only one class, {classes[0]}")
        names = tuple(str(label) for label in classes)
        self._learn(table, images, torch.from_numpy(targets), names, "cross-entropy")
        self.classes_ = classes
        return self

    def predict(self, X: Any) -> Shaped[np.ndarray, " examples"]:
        """Return the most probable label of each example."""
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> Float[np.ndarray, "examples classes"]:
        """Return the softmax of the net's outputs, in float32: rows sum to 1."""
        return self._outputs(X).softmax(1).numpy()
