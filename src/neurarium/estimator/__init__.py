"""Nets for scikit-learn: estimators that fit, predict and take part in pipelines and searches like any other."""

from neurarium.checks import ConfigError

try:
    from neurarium.estimator.classifier import NeuralClassifier
    from neurarium.estimator.regressor import NeuralRegressor
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "sklearn":
        raise
    raise ConfigError(
        "NeuralClassifier and NeuralRegressor",
        expected="the package scikit-learn",
        got="an environment without it",
        remedy="pip install 'neurarium[sklearn]'",
    ) from error

__all__ = ["NeuralClassifier", "NeuralRegressor"]
