import numpy as np
import pytest

from neurarium.report.history import digest
from neurarium.report.story import (
    tell_best,
    tell_course,
    tell_gap,
    tell_mistakes,
    tell_scores,
    tell_story,
    tell_trend,
)
from neurarium.training.evaluation import Evaluation


@pytest.fixture
def history(made):
    def make(*arguments, **options):
        return digest(made.entries(made.events(*arguments, **options)))

    return make


def with_errors(history, train, development):
    """The same history with other errors in its best epoch."""
    history.best["train"]["error"], history.best["development"]["error"] = train, development
    return history


def scores_from(confusion, classes):
    confusion = np.array(confusion)
    none, unsure = np.zeros(0, dtype=np.int64), np.zeros(0)
    accuracy = float(confusion.trace() / confusion.sum())
    plain = Evaluation(classes, 0.1, accuracy, confusion, none, none, unsure).to_plain()
    return {"split": "test", **plain}


@pytest.mark.parametrize(
    ("reason", "epochs", "words"),
    [
        ("finished", 20, "learnt for 20 epochs, 1,260 updates"),
        ("early", 19, "stopped early, after 19 of 20 epochs (1,197 updates, 13 s)"),
        ("interrupted", 2, "interrupted after 126 of 1,260 updates (1.4 s)"),
    ],
)
def test_course(history, reason, epochs, words):
    assert words in tell_course(history(epochs, reason=reason))


def test_a_killed_run_has_no_end(made):
    assert "was killed" in tell_course(digest(made.entries(made.events()[:100])))


def test_best_epoch_and_its_weights(history):
    assert tell_best(history(), kept_best=True) == (
        "Epoch 17 was the best: its development error was 2.40 %. Its weights are the ones kept."
    )
    assert "kept" not in tell_best(history(), kept_best=False)
    assert "training error" in tell_best(history(3, development=False), kept_best=True)


def test_gap_that_chance_cannot_explain(history):
    # standard error sqrt(0.1 * 0.9 / 900) = 0.01, so that 1.96 of them are 1.96 points
    assert "more than chance explains" in tell_gap(with_errors(history(), 0.08, 0.1), 900)
    assert "no more than chance explains" in tell_gap(with_errors(history(), 0.081, 0.1), 900)
    assert "no worse" in tell_gap(with_errors(history(), 0.12, 0.1), 900)
    assert tell_gap(history(3, development=False), 0) == ""


def test_rising_development_objective_is_overfitting(history):
    story = tell_trend(history(best=5), kept_best=False)
    assert "overfitted" in story
    assert "remedies" in story


def test_best_epoch_last_asks_for_more(history):
    assert "longer" in tell_trend(history(best=20), kept_best=True)


def test_short_of_three_epochs_nothing_is_said(history):
    assert tell_trend(history(2), kept_best=True) == ""


def test_scores_come_with_their_interval():
    words = tell_scores(scores_from([[250, 10], [6, 234]], ("a", "b")))
    assert "Of the 500 test examples it answered 484 right, 96.8 %" in words
    assert "between 94.9 % and 98.0 %" in words  # by scipy.stats.binomtest(484, 500)
    assert "not been measured" in tell_scores(None)


def test_most_confused_pair_and_hardest_class():
    told = " ".join(tell_mistakes(scores_from([[90, 3, 7], [2, 98, 0], [4, 0, 96]], ("cat", "dog", "owl"))))
    assert "“cat” was taken for “owl”: 7 of 100 times." in told
    assert "hardest class was “cat”, of which it knew 90 %" in told
    assert tell_mistakes(scores_from([[5, 0], [0, 5]], ("a", "b"))) == ["It made no mistake."]


def test_equally_confused_pairs_are_told():
    told = " ".join(tell_mistakes(scores_from([[8, 2], [2, 8]], ("a", "b"))))
    assert "2 of 10 times, as often as 1 other pair of classes." in told


def test_story_has_no_empty_paragraphs(history):
    story = tell_story(history(1, best=1, development=False), {"train": 10}, True, None)
    assert all(story)
