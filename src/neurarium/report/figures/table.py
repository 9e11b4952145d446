"""All figures of a run, in the order of the report; those that apply are drawn into its folder."""

import json

from neurarium.data.dataset import Dataset
from neurarium.record.files import write_atomic
from neurarium.report.curves import save_figure
from neurarium.report.figures import (
    alignment,
    augmented,
    confusion,
    continuations,
    energies_forces,
    feature_maps,
    filters,
    generated,
    gibbs_samples,
    hyperplane,
    mistakes,
    predictions,
    recall,
    reconstructions,
    saliency,
    transcripts,
    unit_filters,
    unit_reconstructions,
)
from neurarium.report.figures.run_figure import RunFigure
from neurarium.report.gallery import INDEX
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

FIGURES: tuple[RunFigure, ...] = (
    confusion.FIGURE,
    mistakes.FIGURE,
    reconstructions.FIGURE,
    unit_filters.FIGURE,
    gibbs_samples.FIGURE,
    unit_reconstructions.FIGURE,
    generated.FIGURE,
    hyperplane.FIGURE,
    recall.FIGURE,
    filters.FIGURE,
    feature_maps.FIGURE,
    saliency.FIGURE,
    predictions.FIGURE,
    continuations.FIGURE,
    energies_forces.FIGURE,
    alignment.FIGURE,
    transcripts.FIGURE,
    augmented.FIGURE,
)


def save_figures(run: Run, data: Dataset, split: str, scores: Scores | None) -> None:
    """Draw all figures that apply into the run's folder, and list them there.

    `scores`: how well it did; none where the split is empty.
    Raises StorageError: a file cannot be written; DataError: data of another kind than the net has learned.
    """
    known, entries = run.fitted(data), []
    for figure in FIGURES:
        if figure.applies(run, known, scores):
            save_figure(figure.draw(run, known, split, scores), run.folder / f"{figure.file}.png")
            entries.append({"name": figure.file, "title": figure.title, "words": figure.caption, "alone": figure.alone})
    write_atomic(run.folder / INDEX, json.dumps(entries, indent=1))
