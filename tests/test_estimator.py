import importlib
import inspect
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.estimator_checks import parametrize_with_checks

import neurarium
from neurarium.checks import ConfigError, DataError, NonFiniteError, ShapeError, UserError
from neurarium.data import mnist_5k
from neurarium.data.split import stratified_split
from neurarium.data.table import Table
from neurarium.estimator import NeuralClassifier
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.nets.feedforward.specs import MLPSpec

IRIS, SPECIES = load_iris(return_X_y=True)
# NumPy's global generator
NUMPYS = check_random_state(None)
DIGITS, NUMBERS = load_digits(return_X_y=True)


def quick(**settings: Any) -> NeuralClassifier:
    return NeuralClassifier(
        **{"max_iter": 10, "learning_rate_init": 0.02, "batch_size": 32, "random_state": 0} | settings
    )


@parametrize_with_checks([NeuralClassifier(max_iter=10, learning_rate_init=0.03, batch_size=64)])  # type: ignore[untyped-decorator]
def test_scikit_learn_accepts_it(
    estimator: BaseEstimator, check: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # without this scikit-learn leaves out its check that NumPy arrays still pass under array API dispatch
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


@pytest.mark.more
def test_digits_by_an_mlp() -> None:
    X, test_X, y, test_y = train_test_split(DIGITS, NUMBERS, stratify=NUMBERS, random_state=0)
    assert quick(max_iter=20, learning_rate_init=0.002).fit(X, y).score(test_X, test_y) >= 0.96


@pytest.mark.more
def test_digits_by_lenet_flat_or_as_images() -> None:
    digits = mnist_5k.load()
    some = torch.arange(0, len(digits.train), 4)
    assert isinstance(digits.train, Table)
    assert isinstance(digits.test, Table)
    images, y = digits.train.inputs[0][some].numpy(), digits.train.targets[0][some].numpy()
    test_images, test_y = digits.test.inputs[0].numpy(), digits.test.targets[0].numpy()
    assert images.shape == (1000, 1, 28, 28)
    assert images.dtype == np.uint8

    lenet = quick(net="lenet5", max_iter=8, learning_rate_init=3e-3, batch_size=32)
    flat = clone(lenet).set_params(image_shape=(1, 28, 28)).fit(images.reshape(1000, 784), y)
    assert isinstance(flat.net_, LeNet5)
    assert flat.score(test_images.reshape(-1, 784), test_y) >= 0.9
    assert flat.n_features_in_ == 784

    four_axes, three_axes = clone(lenet).fit(images, y), clone(lenet).fit(images[:, 0], y)
    expected = flat.predict_proba(test_images)
    np.testing.assert_array_equal(four_axes.predict_proba(test_images), expected)
    np.testing.assert_array_equal(four_axes.predict_proba(test_images.reshape(-1, 784)), expected)
    np.testing.assert_array_equal(three_axes.predict_proba(test_images[:, 0]), expected)


def test_probabilities_are_the_softmax_of_the_net_on_scaled_inputs() -> None:
    model = quick(net=MLPSpec(hidden=(5,), dropout=0.3, activation="tanh")).fit(IRIS, SPECIES)
    W1, b1, W2, b2 = (p.detach().double().numpy() for p in model.net_.parameters())
    scaled = (IRIS - IRIS.mean(0)) / IRIS.std(0)
    odds = np.exp(np.tanh(scaled @ W1.T + b1) @ W2.T + b2)
    probabilities = model.predict_proba(IRIS)
    np.testing.assert_allclose(probabilities, odds / odds.sum(1, keepdims=True), atol=1e-5)
    assert model.score(IRIS, SPECIES) == np.mean(probabilities.argmax(1) == SPECIES)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["setosa", "versicolor", "virginica"]),
        np.array(["setosa", "versicolor", "virginica"], dtype=object),
        np.array([-7, 0, 12]),
        np.array([0.0, 1.0, 5.0]),
        np.array([True, False, True]),
    ],
)
def test_labels_of_any_type(labels: np.ndarray) -> None:
    model = quick(max_iter=20).fit(IRIS, labels[SPECIES])
    predicted = model.predict(IRIS)
    np.testing.assert_array_equal(model.classes_, sorted(set(labels.tolist())))
    assert predicted.dtype == labels.dtype
    assert set(predicted.tolist()) <= set(labels.tolist())
    assert model.score(IRIS, labels[SPECIES]) > 0.9


@pytest.mark.more
def test_pipeline_search_validation_and_clone() -> None:
    pipeline = make_pipeline(StandardScaler(), quick(max_iter=60))
    grid = {
        "neuralclassifier__net": ["mlp", MLPSpec(hidden=())],
        "neuralclassifier__learning_rate_init": np.logspace(-6, -2, 2),
        "neuralclassifier__hidden_layer_sizes": np.array([8]),
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(IRIS, SPECIES)
    assert search.best_params_["neuralclassifier__learning_rate_init"] == 0.01
    assert search.best_score_ > 0.9
    assert cross_val_score(quick(max_iter=60), IRIS, SPECIES, cv=3).min() > 0.9

    fitted = search.best_estimator_[-1]
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(IRIS)


@pytest.mark.parametrize("net", ["mlp", "lenet5", "lenet5-1998"])
def test_survives_pickling(net: str) -> None:
    images = np.kron(DIGITS[:60].reshape(-1, 8, 8), np.ones((4, 4)))
    model = quick(net=net, max_iter=2).fit(images, NUMBERS[:60])
    before = model.predict_proba(images)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.net_ is not model.net_
    assert {parameter.device.type for parameter in copy.net_.parameters()} == {"cpu"}
    model.fit(images[::-1], NUMBERS[:60][::-1])
    np.testing.assert_array_equal(copy.predict_proba(images), before)
    assert np.abs(model.predict_proba(images) - before).max() > 0
    with pytest.raises(NotFittedError):
        pickle.loads(pickle.dumps(quick())).predict(images)


def test_same_random_state_same_predictions_and_another_others() -> None:
    spec = MLPSpec(hidden=(8,), dropout=0.5)
    runs = [quick(net=spec, random_state=seed).fit(IRIS, SPECIES).predict_proba(IRIS) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 0.01


def test_without_random_state_numpys_generator_decides() -> None:
    def fitted() -> np.ndarray:
        return quick(random_state=None).fit(IRIS, SPECIES).predict_proba(IRIS)

    state = NUMPYS.get_state()
    try:
        NUMPYS.seed(0)
        one, two = fitted(), fitted()
        NUMPYS.seed(0)
        again = fitted()
    finally:
        NUMPYS.set_state(state)
    assert np.abs(one - two).max() > 0.001
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("rate", [0.01, 1e30])
def test_generators_and_threads_of_the_caller_stay(rate: float) -> None:
    # Python's own generator is left out: beartype, which the tests run under, draws from it
    def state() -> tuple[Any, ...]:
        return torch.get_rng_state().tolist(), str(NUMPYS.get_state()), NUMPYS.get_state()[1].tolist()

    before, threads = state(), torch.get_num_threads()
    model = quick(learning_rate_init=rate, threads=threads + 1, max_iter=2)
    if rate < 1:
        model.fit(IRIS, SPECIES).predict(IRIS)
    else:
        with pytest.raises(NonFiniteError, match="lower learning_rate_init"):
            model.fit(IRIS, SPECIES)
    assert state() == before
    assert torch.get_num_threads() == threads


def test_loss_curve_falls_from_chance_and_counts_epochs() -> None:
    model = quick(learning_rate_init=1e-3, max_iter=7, n_iter_no_change=None).fit(DIGITS, NUMBERS)
    assert model.n_iter_ == len(model.loss_curve_) == 7
    assert model.loss_curve_ == sorted(model.loss_curve_, reverse=True)
    still = quick(learning_rate_init=1e-12, max_iter=1).fit(DIGITS, NUMBERS)
    truth = still.predict_proba(DIGITS)[np.arange(len(NUMBERS)), NUMBERS]
    assert still.loss_curve_[0] == pytest.approx(-np.log(truth).mean(), rel=1e-4)
    assert still.validation_scores_ is None


def test_stops_when_the_loss_no_longer_improves_by_tol() -> None:
    model = quick(max_iter=50, tol=100.0, n_iter_no_change=3).fit(IRIS, SPECIES)
    assert model.n_iter_ == 4


def test_early_stopping_ends_with_the_best_epoch_on_the_held_out_examples() -> None:
    noisy = np.where(np.arange(150) % 3 == 0, (SPECIES + 1) % 3, SPECIES)
    model = quick(max_iter=200, early_stopping=True, validation_fraction=0.2, n_iter_no_change=5).fit(IRIS, noisy)
    scores = model.validation_scores_
    assert scores is not None
    best = scores.index(max(scores))
    assert model.n_iter_ == len(scores) == best + 1 + 5
    kept, held_out = (part.numpy() for part in stratified_split(torch.from_numpy(noisy), 30))
    assert model.score(IRIS[held_out], noisy[held_out]) == pytest.approx(scores[best])
    np.testing.assert_allclose(model.scaling_.mean, IRIS[kept].mean(0))


@pytest.mark.parametrize(("verbose", "lines"), [(False, 0), (True, 3)])
def test_shows_an_epoch_a_line_where_asked(verbose: bool, lines: int, capsys: pytest.CaptureFixture[str]) -> None:
    quick(max_iter=3, verbose=verbose).fit(IRIS, SPECIES)
    shown = capsys.readouterr().out.splitlines()
    assert sum(line.strip()[:1] in {"1", "2", "3"} for line in shown) == lines


def test_names_and_defaults_shared_with_the_peer_are_the_same() -> None:
    ours, theirs = (
        {name: p.default for name, p in inspect.signature(kind).parameters.items()}
        for kind in (NeuralClassifier, MLPClassifier)
    )
    assert {name: ours[name] for name in ours if name in theirs} == {
        name: theirs[name] for name in theirs if name in ours
    }
    assert len(ours.keys() & theirs.keys()) == 11


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        ({"net": "lenet"}, "net"),
        ({"net": MLPSpec}, "net"),
        ({"hidden_layer_sizes": (10, 0)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (10, "x")}, "hidden_layer_sizes[0]"),
        ({"activation": "rellu"}, "activation"),
        ({"optimizer": "adamm"}, "optimizer"),
        ({"learning_rate_init": 0}, "learning_rate_init"),
        ({"learning_rate_init": "fast"}, "learning_rate_init"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "all"}, "batch_size"),
        ({"max_iter": 0}, "max_iter"),
        ({"tol": -1.0}, "tol"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"early_stopping": True, "validation_fraction": 1.0}, "validation_fraction"),
        ({"device": "abacus"}, "device"),
        ({"threads": 0}, "threads"),
        ({"image_shape": (2, 2, 1, 1)}, "image_shape"),
        ({"image_shape": "2x2"}, "image_shape"),
    ],
)
def test_names_the_parameter_that_cannot_be_used(settings: dict[str, Any], subject: str) -> None:
    with pytest.raises(ConfigError) as caught:
        quick(**settings).fit(IRIS, SPECIES)
    assert caught.value.subject == subject


def test_says_which_net_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean lenet5"):
        quick(net="lenet-5").fit(IRIS, SPECIES)


def test_says_which_shapes_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"as X has features, 64, got \(1, 28, 28\), 784 pixels"):
        quick(net="lenet5", image_shape=(1, 28, 28)).fit(DIGITS, NUMBERS)
    with pytest.raises(ShapeError, match="at least 12 x 12"):
        quick(net="lenet5", image_shape=(8, 8)).fit(DIGITS, NUMBERS)
    with pytest.raises(ShapeError, match=r"or say image_shape=\(channels, height, width\)"):
        quick(net=LeNet5Spec()).fit(DIGITS, NUMBERS)
    images = DIGITS.reshape(-1, 8, 8)
    with pytest.raises(ShapeError, match=r"X: expected images of shape \(2, 4, 8\)"):
        quick(image_shape=(2, 4, 8)).fit(images, NUMBERS)
    model = quick(max_iter=1).fit(images, NUMBERS)
    with pytest.raises(ShapeError, match=r"X: expected examples of shape \(1, 8, 8\), got of shape \(1, 4, 16\)"):
        model.predict(DIGITS.reshape(-1, 4, 16))
    with pytest.raises(ValueError, match="63 features"):
        model.predict(DIGITS[:, 1:])


def test_refuses_what_cannot_be_learned() -> None:
    with pytest.raises(DataError, match="only one class, 1"):
        quick().fit(IRIS, np.ones(150))
    with pytest.raises(DataError, match="hold one out for early_stopping"):
        quick(early_stopping=True).fit(IRIS[:3], [0, 1, 2])


def test_the_package_offers_it_by_name() -> None:
    assert neurarium.NeuralClassifier is NeuralClassifier


def test_says_how_to_get_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    for name in [name for name in sys.modules if name.startswith("neurarium.estimator")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UserError, match=r"pip install 'neurarium\[sklearn\]'"):
        importlib.import_module("neurarium.estimator")


def test_columns_of_a_data_frame_are_remembered() -> None:
    pandas = pytest.importorskip("pandas")
    names = ["a", "b", "c", "d"]
    model = quick().fit(pandas.DataFrame(IRIS, columns=names), pandas.Series(SPECIES))
    assert model.feature_names_in_.tolist() == names
    with pytest.raises(ValueError, match="feature names"):
        model.predict(pandas.DataFrame(IRIS, columns=names[::-1]))
