import json

from neurarium.learning.early_stopping import BestSoFar
from neurarium.training.progress import Progress
from neurarium.training.rules.rule import Update


def test_means_are_weighted_by_the_units_that_are_counted() -> None:
    progress = Progress()
    progress.count(Update(loss=1.0, errors=3.0, gradient_norm=2.0, learning_rate=0.1, count=6.0))
    progress.count(Update(loss=4.0, errors=1.0, gradient_norm=4.0, learning_rate=0.1, count=2.0))
    assert progress.means() == {"loss": (6 * 1.0 + 2 * 4.0) / 8, "error": 0.5}
    assert progress.mean_gradient_norm() == 3.0
    assert (progress.step, progress.position) == (2, 2)


def test_survives_json_exactly() -> None:
    progress = Progress(step=3, epoch=2, position=1, loss=1 / 3, errors=2.0, units=7.5, best=BestSoFar(0.1, 1, 1))
    again = Progress.from_plain(json.loads(json.dumps(progress.to_plain(), allow_nan=False)))
    assert again.to_plain() == progress.to_plain()
    assert again.best == progress.best


def test_before_the_first_epoch_there_is_no_score() -> None:
    again = Progress.from_plain(json.loads(json.dumps(Progress().to_plain(), allow_nan=False)))
    assert again.best == BestSoFar()


def test_next_epoch_starts_sums_afresh() -> None:
    progress = Progress()
    progress.count(Update(1.0, 1.0, 1.0, 0.1, 2.0))
    progress.next_epoch(BestSoFar(0.5, 1, 0))
    assert (progress.epoch, progress.position, progress.units, progress.loss) == (2, 0, 0.0, 0.0)
    assert progress.step == 1
