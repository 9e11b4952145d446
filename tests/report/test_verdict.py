import pytest

from neurarium.report.history import digest
from neurarium.report.verdict import tell_best, tell_course, tell_gap, tell_trend, verdict_of


@pytest.fixture
def history(made):
    def make(*arguments, **options):
        return digest(made.entries(made.events(*arguments, **options)))

    return make


def with_errors(history, train, validation):
    """The same history with other errors in its best epoch."""
    history.best["train"]["error"], history.best["validation"]["error"] = train, validation
    return history


@pytest.mark.parametrize(
    ("reason", "epochs", "words"),
    [
        ("finished", 20, "learned for 20 epochs, 1,260 updates"),
        ("early", 19, "stopped early, after 19 of 20 epochs (1,197 updates, 13 s)"),
        ("interrupted", 2, "interrupted after 126 of 1,260 updates (1.4 s)"),
    ],
)
def test_course(history, reason, epochs, words):
    assert words in tell_course(history(epochs, reason=reason))


def test_one_update_is_one(made):
    events = [made.events()[0], *made.events(1, best=1)[2:]]
    entries = [entry | {"step": 1, "steps_per_epoch": 1} for entry in made.entries(events)]
    assert "for 1 epoch, 1 update of its weights" in tell_course(digest(entries))


def test_a_killed_run_has_no_end(made):
    assert "was killed" in tell_course(digest(made.entries(made.events()[:100])))


def test_best_epoch_and_its_weights(history):
    assert tell_best(history(), kept_best=True) == (
        "Epoch 17 was the best: its validation error was 2.40 %. Its weights are the ones kept."
    )
    assert "kept" not in tell_best(history(), kept_best=False)
    assert "training error" in tell_best(history(3, validation=False), kept_best=True)


def test_gap_that_chance_cannot_explain(history):
    # standard error sqrt(0.1 * 0.9 / 900) = 0.01, so that 1.96 of them are 1.96 points
    assert "more than chance explains" in tell_gap(with_errors(history(), 0.08, 0.1), 900)
    assert "no more than chance explains" in tell_gap(with_errors(history(), 0.081, 0.1), 900)
    assert "no worse" in tell_gap(with_errors(history(), 0.12, 0.1), 900)
    assert tell_gap(history(3, validation=False), 0) == ""


@pytest.mark.parametrize(("task", "told"), [("distillation", True), ("regression", False), ("custom", False)])
def test_a_gap_is_told_where_errors_are_shares_of_examples(history, task, told):
    assert bool(tell_gap(with_errors(history(task=task), 0.08, 0.1), 900)) == told


def test_rising_validation_loss_is_overfitting(history):
    story = tell_trend(history(best=5), kept_best=False)
    assert "overfitted" in story
    assert "remedies" in story


def test_best_epoch_last_asks_for_more(history):
    assert "longer" in tell_trend(history(best=20), kept_best=True)


def test_short_of_three_epochs_nothing_is_said(history):
    assert tell_trend(history(2), kept_best=True) == ""


def test_the_result_is_told_as_the_task_tells_it(history, made):
    told = verdict_of(history(), {"validation": 500}, True, made.scores(made.digits, 500, 0.968).to_plain())[-1]
    assert told.startswith("Of the 500 test examples it answered 484 right, 96.8 %")
    assert "Most often" in told
    assert verdict_of(history(), {}, True, None)[-1] == "It has not been measured on test examples yet."


def test_story_has_no_empty_paragraphs(history):
    story = verdict_of(history(1, best=1, validation=False), {"train": 10}, True, None)
    assert all(story)
