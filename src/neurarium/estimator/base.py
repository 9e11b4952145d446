"""What the estimators for classes and for numbers share: parameters, a run of the library's own trainer, outputs."""

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import Scaling
from neurarium.data.table import Table
from neurarium.estimator.inputs import as_table, dataset_of, example_shape, to_tensor
from neurarium.estimator.settings import check_net, own_words, recipe_of, validation_size
from neurarium.learning.loss import Loss, LossName
from neurarium.record.events import EpochEnded, Event
from neurarium.record.schema import Field, Schema
from neurarium.tasks.model import Model
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Trainable, tensor_of
from neurarium.training.device import find_device, set_threads
from neurarium.training.recipe import Recipe
from neurarium.training.seed import own_generators
from neurarium.training.session import Session, build_session

# 8-bit pixels stay as they are; any other type of number becomes the first of these
NUMBERS = (np.float64, np.float32, np.uint8)


class NeuralEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Base of `NeuralClassifier` and `NeuralRegressor`; by itself it learns nothing.

    Parameters that mean the same as in `sklearn.neural_network` have their names and defaults from there; the
    others are called as in a `Recipe`. Inputs are scaled to mean 0 and standard deviation 1, each feature of
    vectors and each channel of images, by the examples that are learned from.

    Args:
        net: name of a net ("mlp", "lenet5", ...), or its spec for settings of its own: `MLPSpec(dropout=0.2)`.
        hidden_layer_sizes: units of each hidden layer; used where the net, by name, has a size for each: "mlp".
        activation: non-linearity of these layers.
        image_shape: (channels, height, width) or (height, width) of images that lie flat in the rows of X;
            none: rows are vectors, and arrays of three or four axes are images.
        optimizer: sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, adamw, ...
        learning_rate_init: learning rate.
        l2: lambda of L2 regularization, added to the gradient as lambda W; not for adamw.
        weight_decay: lambda of decoupled decay: a step takes rate * lambda of every weight, apart from the gradient.
        batch_size: examples in one update; "auto" makes about 20 updates an epoch, of 8 to 200 examples each.
        max_iter: epochs at most.
        tol: improvement smaller than this does not count.
        n_iter_no_change: epochs without improvement of the training loss (with `early_stopping` of the
            validation score) after which learning stops; none: never.
        early_stopping: hold examples out, stop by their score, end with the weights of the best epoch.
        validation_fraction: fraction of the examples to hold out, classes stratified, the same ones at every fit.
        random_state: seed of initial weights, shuffling and dropout. An integer leaves all global generators
            as they were; none draws one number from NumPy's, as everywhere in scikit-learn.
        device: auto, cpu, cuda, cuda:1 or mps.
        threads: CPU threads while fitting and predicting; none: as many as torch has now.
        verbose: show progress, a line an epoch.

    Attributes:
        n_features_in_: numbers in an example; of images all pixels of all channels.
        feature_names_in_: columns of a data frame, where X was one.
        n_iter_: epochs done.
        loss_curve_: mean training loss of each epoch, while its weights were moving.
        validation_scores_: score of the examples held out after each epoch, none without `early_stopping`.
        net_: the trained `nn.Module`, from scaled inputs to outputs.
        scaling_: the scaling before it.
        schema_: what was learned from, field by field.
        example_shape_: shape in which the net sees one example.

    `fit` raises ConfigError: a parameter that cannot be used; ShapeError: inputs that do not fit `image_shape`, the
    net, or what was learned; DataError: targets that cannot be learned, or too few examples to hold some out;
    NonFiniteError: learning diverged.
    """

    example_shape_: tuple[int, ...]
    loss_curve_: list[float]
    n_features_in_: int
    n_iter_: int
    net_: nn.Module
    scaling_: Scaling
    schema_: Schema
    validation_scores_: list[float] | None

    # scikit-learn lets a constructor take anything and wants mistakes to be found by fit.
    def __init__(
        self,
        net: Any = "mlp",
        *,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        image_shape: Any = None,
        optimizer: Any = "adam",
        learning_rate_init: Any = 1e-3,
        l2: Any = 0.0,
        weight_decay: Any = 0.0,
        batch_size: Any = "auto",
        max_iter: Any = 200,
        tol: Any = 1e-4,
        n_iter_no_change: Any = 10,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        random_state: Any = None,
        device: Any = "auto",
        threads: Any = None,
        verbose: Any = False,
    ) -> None:
        self.net = net
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.image_shape = image_shape
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.l2 = l2
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device
        self.threads = threads
        self.verbose = verbose

    def _learn(
        self,
        X: Any,
        images: tuple[int, int, int] | None,
        targets: Tensor,
        names: tuple[str, ...],
        loss: LossName,
    ) -> Dataset:
        """Train a net; the attributes of the fit that all estimators have are set at the end."""
        shape = example_shape(self.n_features_in_, images, self.image_shape)
        held_out = validation_size(self.validation_fraction, len(targets)) if self.early_stopping else 0
        dataset = dataset_of(to_tensor(X, shape), targets, names, held_out)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        with own_words(shape), own_generators(), _own_threads():
            recipe = recipe_of(self.get_params(deep=False), len(dataset.train), seed)
            check_net(recipe.net, dataset.schema)
            session = build_session(replace(recipe, loss=Loss(loss)), dataset)
            epochs = [event for event in self._events(session) if isinstance(event, EpochEnded)]
        self.example_shape_, self.schema_ = shape, dataset.schema
        self.scaling_ = scaling_of(dataset.schema.input)
        self.net_ = session.net.eval()
        self.n_iter_ = len(epochs)
        self.loss_curve_ = [epoch.train["loss"] for epoch in epochs]
        self.validation_scores_ = [1 - epoch.validation["error"] for epoch in epochs] if held_out else None
        return dataset

    def _outputs(self, X: Any) -> Float[Tensor, "examples outputs"]:
        """Return what the net answers, on the CPU."""
        check_is_fitted(self, "net_")
        table, images = as_table(X)
        if images not in (None, self.example_shape_):
            raise ShapeError("X", expected=f"examples of shape {self.example_shape_}", got=f"of shape {images}")
        inputs = to_tensor(validate_data(self, table, dtype=NUMBERS, reset=False), self.example_shape_)
        examples = Table((inputs,), (), Schema(self.schema_.inputs))
        task = task_of(Recipe(), self.schema_)
        assert isinstance(task, Trainable)
        with _own_threads():
            set_threads(self.threads)
            device_config = find_device(self.device)
            model = Model(device_config.place(self.net_), device_config.device, device_config.autocast)
            return torch.cat([tensor_of(outputs, task.name).cpu() for _, outputs in model.answers(task, examples)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self) -> Any:
        # On the CPU, so that what was fitted on a GPU can be read where there is none.
        state = super().__getstate__()
        return state | {"net_": copy.deepcopy(self.net_).cpu()} if "net_" in state else state

    def _events(self, session: Session) -> Iterator[Event]:
        """Let a session run to its end, showing it if asked for."""
        events = session.events()
        if not self.verbose:
            return events
        # rich costs more to import than a small net to fit
        from neurarium.report.screen import shown

        return shown(events)


def scaling_of(field: Field) -> Scaling:
    """The scaling that the fit has found."""
    scaling = Scaling.of(field)
    assert scaling is not None
    return scaling


@contextlib.contextmanager
def _own_threads() -> Iterator[None]:
    """Put the caller's number of threads back, whatever happens inside."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        set_threads(threads)
