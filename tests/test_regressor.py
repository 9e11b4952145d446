import inspect
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import neurarium
from neurarium.checks import ConfigError, DataError, NonFiniteError
from neurarium.data.split import stratified_split
from neurarium.estimator import NeuralClassifier, NeuralRegressor
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import Field, Schema

X, PROGRESSION = load_diabetes(return_X_y=True)
# an output in other units, and one that falls where the first rises
SEVERAL = np.stack([PROGRESSION, 1e6 * X[:, 2] + 3e6, -PROGRESSION], 1)


def quick(**settings: Any) -> NeuralRegressor:
    return NeuralRegressor(**{"max_iter": 5, "learning_rate_init": 0.01, "random_state": 0} | settings)


def exact(**settings: Any) -> NeuralRegressor:
    """Least squares in one step."""
    return NeuralRegressor(**{"net": "linear", "optimizer": "closed-form", "max_iter": 1} | settings)


@pytest.mark.more
@parametrize_with_checks([NeuralRegressor(max_iter=8, learning_rate_init=0.01)])  # type: ignore[untyped-decorator]
def test_scikit_learn_accepts_it(
    estimator: BaseEstimator, check: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # without this scikit-learn leaves out its check that NumPy arrays still pass under array API dispatch
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


def test_without_hidden_layers_comes_near_linear_regression() -> None:
    linear = LinearRegression().fit(X, PROGRESSION).score(X, PROGRESSION)
    net = quick(hidden_layer_sizes=(), max_iter=300, learning_rate_init=0.1, batch_size=442, n_iter_no_change=None)
    assert linear - 0.002 < net.fit(X, PROGRESSION).score(X, PROGRESSION) <= linear


@pytest.mark.parametrize("y", [PROGRESSION, PROGRESSION[:, None], SEVERAL], ids=["(n,)", "(n, 1)", "(n, 3)"])
def test_closed_form_is_linear_regression_in_the_shape_of_y(y: np.ndarray) -> None:
    model, theirs = exact().fit(X, y), LinearRegression().fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.predict(X).dtype == (np.float32 if y.ndim == 1 else np.float64)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), rtol=1e-5)
    assert model.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-6)
    assert model.n_outputs_ == (1 if y.ndim == 1 else y.shape[1])


def test_an_mlp_bends_where_a_plane_cannot() -> None:
    x = np.linspace(-2, 2, 300)[:, None]
    y = 50 + 10 * x[:, 0] ** 2
    model = quick(max_iter=15, hidden_layer_sizes=(30,), batch_size=20, activation="tanh").fit(x, y)
    assert LinearRegression().fit(x, y).score(x, y) < 0.01
    assert model.score(x, y) > 0.9


def test_predictions_are_the_net_on_scaled_inputs_in_the_units_of_y() -> None:
    model = quick(net=MLPSpec(hidden=(5,), dropout=0.3, activation="tanh")).fit(X, SEVERAL)
    W1, b1, W2, b2 = (p.detach().double().numpy() for p in model.net_.parameters())
    scaled = (X - X.mean(0)) / X.std(0)
    outputs = np.tanh(scaled @ W1.T + b1) @ W2.T + b2
    np.testing.assert_allclose(model.predict(X), outputs * SEVERAL.std(0) + SEVERAL.mean(0), rtol=1e-5, atol=1e-3)


def test_digits_of_numbers_far_from_nought_are_kept() -> None:
    y = 1e9 + X @ np.arange(10.0)
    predicted = exact().fit(X, y).predict(X)
    assert predicted.dtype == np.float64
    np.testing.assert_allclose(predicted - 1e9, y - 1e9, atol=1e-5)


@pytest.mark.parametrize(("loss", "aim"), [("squared_error", np.mean), ("absolute_error", np.median)])
def test_losses_aim_at_mean_and_median(loss: str, aim: Callable[..., float]) -> None:
    y = np.array([1.0, 2.0, 3.0, 4.0, 90.0] * 8)
    settings: dict[str, Any] = {"hidden_layer_sizes": (), "batch_size": 40, "max_iter": 300, "n_iter_no_change": None}
    model = quick(loss=loss, **settings).fit(np.zeros((40, 1)), y)
    assert model.predict([[0.0]])[0] == pytest.approx(aim(y), abs=1.0)


def test_first_loss_is_half_the_variance_of_what_is_left() -> None:
    still = quick(learning_rate_init=1e-12, max_iter=1).fit(X, SEVERAL)
    left = ((still.predict(X) - SEVERAL) / SEVERAL.std(0)) ** 2
    assert still.loss_curve_[0] == pytest.approx(left.sum(1).mean() / 2, rel=1e-4)
    assert still.validation_scores_ is None


def test_constant_numbers_are_predicted_exactly() -> None:
    model = quick().fit(X, np.full(442, 0.1))
    np.testing.assert_array_equal(model.predict(X), np.full(442, 0.1))
    mixed = np.stack([PROGRESSION, np.full(442, 7.3)], 1)
    model = exact().fit(X, mixed)
    np.testing.assert_array_equal(model.predict(X)[:, 1], np.full(442, 7.3))
    assert np.isnan(model.constants_).tolist() == [True, False]
    expected = LinearRegression().fit(X, PROGRESSION).predict(X)
    np.testing.assert_allclose(model.predict(X)[:, 0], expected, rtol=1e-5)


def test_one_example_is_a_constant() -> None:
    assert quick().fit(X[:1], [4.5]).predict(X[:3]).tolist() == [4.5] * 3


@pytest.mark.parametrize("y", [np.array([True, False, True]), np.array([3, -1, 8]), [3, -1, 8.5]])
def test_numbers_of_any_type(y: Any) -> None:
    model = exact(optimizer="adam", max_iter=400, learning_rate_init=0.05, random_state=0).fit([[1], [0], [2]], y)
    assert model.predict([[1], [0], [2]]).mean() == pytest.approx(np.mean(y), abs=0.2)


def test_early_stopping_ends_with_the_best_epoch_on_the_held_out_examples() -> None:
    model = quick(max_iter=200, early_stopping=True, validation_fraction=0.2, n_iter_no_change=5, net=MLPSpec((30,)))
    scores = model.fit(X, SEVERAL).validation_scores_
    assert scores is not None
    best = scores.index(max(scores))
    assert model.n_iter_ == len(scores) < 200
    kept, held_out = (part.numpy() for part in stratified_split(torch.zeros(442, dtype=torch.int64), 88))
    left = ((model.predict(X[held_out]) - SEVERAL[held_out]) ** 2).mean(0) / SEVERAL[kept].var(0)
    assert 1 - left.mean() == pytest.approx(scores[best], abs=1e-4)
    np.testing.assert_allclose(model.scaling_.mean, X[kept].mean(0))
    np.testing.assert_allclose(model.target_scaling_.std, SEVERAL[kept].std(0))


def test_pipeline_search_validation_and_clone() -> None:
    pipeline = make_pipeline(StandardScaler(), exact())
    grid = {"neuralregressor__l2": [0.01, 100.0], "neuralregressor__loss": ["squared_error"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, PROGRESSION)
    assert search.best_params_["neuralregressor__l2"] == 0.01
    ours, theirs = (cross_val_score(kind, X, PROGRESSION, cv=3) for kind in (exact(), LinearRegression()))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)

    fitted = search.best_estimator_[-1]
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(X)


def test_survives_pickling() -> None:
    model = quick(hidden_layer_sizes=(8,)).fit(X, PROGRESSION)
    before = model.predict(X)
    copy = pickle.loads(pickle.dumps(model))
    model.fit(X, SEVERAL)
    np.testing.assert_array_equal(copy.predict(X), before)
    assert model.predict(X).shape == SEVERAL.shape
    with pytest.raises(NotFittedError):
        pickle.loads(pickle.dumps(quick())).predict(X)


def test_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16)).astype(np.uint8)
    brightness = images[:, :8].mean((1, 2))
    lenet = NeuralRegressor("lenet5", max_iter=1, random_state=0).fit(images, brightness)
    assert lenet.example_shape_ == (1, 16, 16)
    assert lenet.predict(images).shape == (60,)
    flat = clone(lenet).set_params(image_shape=(16, 16)).fit(images.reshape(60, 256), brightness)
    np.testing.assert_array_equal(flat.predict(images), lenet.predict(images))


def test_same_random_state_same_predictions_and_another_others() -> None:
    runs = [quick(random_state=seed).fit(X, PROGRESSION).predict(X) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1


@pytest.mark.parametrize(("verbose", "lines"), [(False, 0), (True, 3)])
def test_shows_an_epoch_a_line_where_asked(verbose: bool, lines: int, capsys: pytest.CaptureFixture[str]) -> None:
    quick(max_iter=3, verbose=verbose).fit(X, PROGRESSION)
    shown = capsys.readouterr().out.splitlines()
    assert sum(line.strip()[:1] in {"1", "2", "3"} for line in shown) == lines


def test_parameters_are_those_of_the_classifier_the_peer_and_one_more() -> None:
    ours, classes, theirs = (
        {name: p.default for name, p in inspect.signature(kind).parameters.items()}
        for kind in (NeuralRegressor, NeuralClassifier, MLPRegressor)
    )
    assert ours == classes | {"loss": "squared_error"}
    assert {name: ours[name] for name in ours if name in theirs} == {
        name: theirs[name] for name in theirs if name in ours
    }
    assert set(quick().get_params()) == set(ours)
    with pytest.raises(TypeError, match="alpha"):
        NeuralRegressor(alpha=1)


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        ({"loss": "absolute-eror"}, "loss"),
        ({"loss": "cross-entropy"}, "loss"),
        ({"loss": ["squared_error"]}, "loss"),
        ({"net": "perceptron"}, "net"),
        ({"net": "logistic"}, "net"),
        ({"net": RBMSpec()}, "net"),
        ({"hidden_layer_sizes": (10, 0)}, "hidden_layer_sizes"),
        ({"learning_rate_init": 0}, "learning_rate_init"),
    ],
)
def test_names_the_parameter_that_cannot_be_used(settings: dict[str, Any], subject: str) -> None:
    with pytest.raises(ConfigError) as caught:
        quick(**settings).fit(X, PROGRESSION)
    assert caught.value.subject == subject


@pytest.mark.parametrize("kind", [str, object])
def test_refuses_text(kind: type) -> None:
    for y in (["low", "high", "low"], ["1.5", "2", "3"]):
        with pytest.raises(DataError, match=f"y: expected numbers to predict, got text such as '{y[0]}'"):
            quick().fit(X[:3], np.array(y, dtype=kind))


def test_refuses_what_cannot_be_learned() -> None:
    with pytest.raises(ValueError, match="y contains NaN"):
        quick().fit(X[:3], [1.0, np.nan, 2.0])
    with pytest.raises(DataError, match="expected more than one example, to hold one out for early_stopping, got one"):
        quick(early_stopping=True).fit(X[:1], [1.0])
    with pytest.raises(NonFiniteError, match="lower learning_rate_init"):
        quick(learning_rate_init=1e30).fit(X, PROGRESSION)


def test_a_classifier_refuses_nets_that_do_not_predict() -> None:
    with pytest.raises(ConfigError, match="net: expected a net that predicts classes, got rbm"):
        NeuralClassifier("rbm").fit(X[:4], [0, 1, 0, 1])


class Recurrent(MLPSpec):
    """A net for series, which no estimator has."""

    @classmethod
    def example(cls) -> Schema:
        return Schema({"series": Field((None, 12), axis="time")}, {"label": Field((), ("a", "b"))})


@pytest.mark.parametrize(
    ("net", "words"),
    [
        ("perceptron", "learns by the gradient, got perceptron, which has a learning rule of its own"),
        ("linear-probe", "got linear-probe, which stands on another run's net"),
        ("autoencoder", "predicts numbers, got autoencoder"),
        (Recurrent(), "predicts numbers from a row of numbers or an image"),
    ],
)
def test_refuses_nets_that_an_estimator_cannot_train(net: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        NeuralRegressor(net).fit(X[:4], PROGRESSION[:4])
    assert caught.value.subject == "net"
    assert "take mlp" in caught.value.remedy


def test_the_package_offers_it_by_name() -> None:
    assert neurarium.NeuralRegressor is NeuralRegressor


def test_columns_of_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    names = [f"column {k}" for k in range(10)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = quick().fit(pandas.DataFrame(X, columns=names), pandas.DataFrame(SEVERAL))
    assert model.feature_names_in_.tolist() == names
    assert model.predict(pandas.DataFrame(X, columns=names)).shape == SEVERAL.shape
