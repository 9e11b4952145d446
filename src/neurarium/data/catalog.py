"""Data sets by name or by path.

Targets are classes or numbers. In an .npz or a .csv file text is classes, a fraction anywhere makes numbers, and whole
numbers are classes, unless they are too many to be told (`numbers.are_numbers`): then an error asks. The file can
always say which: a column `price:number` or `grade:class` in a .csv file, the key `numbers` in place of `y` in an .npz
file.
"""

import os
from collections.abc import Callable
from pathlib import Path

from neurarium.checks import ConfigError, DataError, one_of, suggest
from neurarium.data import (
    adding,
    characters,
    clip_folder,
    copying,
    csv_table,
    ethanol,
    fashion_mnist,
    forecasts,
    furniture,
    genesis,
    idx_pair,
    image_folder,
    japanese_vowels,
    karate,
    long_csv,
    mixtures,
    mnist,
    mnist_5k,
    moving_digits,
    nested_brackets,
    npz,
    number_words,
    pronunciations,
    recordings,
    rings_and_trees,
    scikit_tables,
    spelled_numbers,
    spoken_prompts,
    text_pairs,
)
from neurarium.data.dataset import Dataset
from neurarium.record.schema import Schema

_HERE, _SCIKIT = "; comes with the package", "; comes with scikit-learn"
_MADE, _DRAWN = "; made by code", "; drawn, not loaded"
SOURCES: dict[str, tuple[Callable[[str | None], Dataset], str]] = {
    "mnist-5k": (mnist_5k.load, f"5,000 handwritten digits, 28 x 28, in 10 classes{_HERE}"),
    "fashion-mnist": (fashion_mnist.load, "70,000 images of clothes, 28 x 28, in 10 classes"),
    "mnist": (mnist.load, "70,000 handwritten digits, 28 x 28, in 10 classes"),
    "iris": (scikit_tables.iris, f"150 flowers, 4 lengths, in 3 species{_SCIKIT}"),
    "wine": (scikit_tables.wine, f"178 wines, 13 measurements, of 3 growers{_SCIKIT}"),
    "digits": (scikit_tables.digits, f"1,797 handwritten digits, 8 x 8, in 10 classes{_SCIKIT}"),
    "breast-cancer": (scikit_tables.breast_cancer, f"569 tumours, 30 measurements, in 2 classes{_SCIKIT}"),
    "diabetes": (
        scikit_tables.diabetes,
        f"442 patients, 10 measurements; a number: progression of the disease a year later{_SCIKIT}",
    ),
    "iris-two": (scikit_tables.iris_two, f"100 flowers, 4 lengths, in 2 species that a hyperplane separates{_SCIKIT}"),
    "mnist-4-9": (mnist_5k.load_four_nine, f"1,000 fours and nines of mnist-5k{_HERE}"),
    "ring-of-8": (mixtures.load_ring, f"8,000 points in the plane, from 8 narrow Gaussians on a circle{_DRAWN}"),
    "grid-of-25": (mixtures.load_grid, f"25,000 points in the plane, from 25 narrow Gaussians on a grid{_DRAWN}"),
    "japanese-vowels": (japanese_vowels.load, f"640 series of 12 numbers a step, of 9 speakers{_HERE}"),
    "fashion-rows": (fashion_mnist.load_rows, "Fashion-MNIST as 70,000 series of 28 rows, 28 pixels a step"),
    "fashion-pixels": (fashion_mnist.load_pixels, "Fashion-MNIST as 70,000 series of 784 pixels, one a step"),
    "adding-20": (adding.of_length(20), f"12,000 series of 20 numbers, two of them marked; a number: their sum{_MADE}"),
    "adding-50": (adding.of_length(50), f"the same over 50 steps{_MADE}"),
    "adding-100": (adding.of_length(100), f"the same over 100 steps{_MADE}"),
    "adding-200": (adding.of_length(200), f"the same over 200 steps{_MADE}"),
    "copying-10": (copying.after_blank(10), f"12,000 rows of 5 letters to be copied after a blank of 10 steps{_MADE}"),
    "copying-20": (copying.after_blank(20), f"the same after 20 steps{_MADE}"),
    "copying-50": (copying.after_blank(50), f"the same after 50 steps{_MADE}"),
    "copying-100": (copying.after_blank(100), f"the same after 100 steps{_MADE}"),
    "co2": (forecasts.co2, f"carbon dioxide at Mauna Loa: 36 months, and the 12 that follow{_HERE}"),
    "sunspots": (forecasts.sunspots, f"yearly sunspot numbers: 22 years, and the one that follows{_HERE}"),
    "nested-brackets": (
        nested_brackets.load,
        f"4,000 rows of 8 to 40 signs; a class for each: how deep in brackets{_MADE}",
    ),
    "number-words": (number_words.load, f"4,000 integers in English words, in 6 classes: their digits{_MADE}"),
    "spelled-numbers": (spelled_numbers.load, f"10,000 integers in English words, to be written in digits{_MADE}"),
    "pronunciations": (pronunciations.load, f"24,000 English words as letters, to be spoken in phonemes{_HERE}"),
    "spoken-prompts": (spoken_prompts.load, f"365 recordings of one voice, to be written down in letters{_HERE}"),
    "genesis": (genesis.load, f"196,873 characters of the book of Genesis, in windows of 64{_HERE}"),
    "karate": (karate.load, "one graph of 34 friends, in 2 clubs; comes with networkx"),
    "rings-and-trees": (rings_and_trees.load, f"800 graphs of 5 to 12 nodes, in 2 classes{_MADE}"),
    "furniture": (furniture.load, f"400 tables, chairs and lamps of 100 to 200 points, on 7 parts{_MADE}"),
    "moving-digits": (moving_digits.load, f"2,400 clips of a digit that moves, in 4 classes: its bounces{_MADE}"),
    "moving-digits-next": (moving_digits.load_next, f"2,400 clips of a digit that moves; the 4 frames after 8{_MADE}"),
    "ethanol": (ethanol.load, f"900 positions of a molecule's 9 atoms; energies and forces{_HERE}"),
}
CUSTOM = "custom"
"""What a recipe says of data in hand, which have no name by which they could be loaded."""
_KINDS = (
    "an idx pair, .npz, .csv, .tsv, .txt, a folder of .wav files and a .tsv file, or a folder with one sub-folder of "
    "images or clips a class"
)


def load(name: str, *, folder: str | None = None, like: Schema | None = None) -> Dataset:
    """Return a data set.

    Args:
        name: one of `SOURCES`; or the path of an idx file of images (`idx_pair.load_pair`), a folder of idx
            files, a folder of recordings (`recordings`), a folder of one sub-folder of images a class
            (`image_folder`) or of clips (`clip_folder`), an .npz (`npz`), a .csv (`csv_table`; of series `long_csv`),
            a .tsv (`text_pairs`) or a .txt file (`characters`).
        folder: where the files of a named data set lie, or where a relative path begins.
        like: what a net has learned from that is to be measured: files that have no test part of their own are then
            taken whole, and columns of a .csv file are found by their names.
    Raises ConfigError: neither a name nor a path; DataError: nothing at that path, or what is there cannot be read or
    learned from.

    Example:
        >>> load("mnist-5k").schema.classes
        ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    if name in SOURCES:
        return SOURCES[name][0](folder)
    if name == CUSTOM:
        remedy = "give them again: data=... in Python, --data FILE on the command line"
        raise DataError("data", expected="the data that were given to this run in memory", got="none", remedy=remedy)
    path = Path(os.path.expanduser(folder or "."), os.path.expanduser(name))
    whole = like is not None
    if path.is_dir() and recordings.is_folder_of_recordings(path):
        return recordings.load(path, name, whole=whole)
    if path.is_dir():
        if idx_pair.image_files(path):
            return idx_pair.load_folder(path, name, whole)
        return (clip_folder if clip_folder.holds_clips(path) else image_folder).load(path, name, whole=whole)
    if not path.exists():
        raise _nothing_there(name, path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return npz.load(path, name, whole)
    if suffix == ".csv":
        return (long_csv if long_csv.is_long(path) else csv_table).load(path, name, like)
    if suffix == ".tsv":
        return text_pairs.load(path, name, whole)
    if suffix == ".txt":
        return characters.load(path, name, whole)
    if suffix == ".gz" or "idx" in path.name:
        return idx_pair.load_pair(path, name, whole)
    remedy = "store it as one of these"
    raise DataError(str(path), expected=_KINDS, got=f"a file named *{path.suffix}", remedy=remedy)


def name_of(dataset: Dataset) -> str:
    """The name by which a data set in hand can be loaded again: a source's, a file's, else `CUSTOM`."""
    is_file = bool(Path(dataset.name).suffix) and Path(dataset.name).exists()
    return dataset.name if dataset.name in SOURCES or is_file else CUSTOM


def _nothing_there(name: str, path: Path) -> DataError | ConfigError:
    # A slash or a suffix shows that a path was meant.
    if Path(name).suffix or len(Path(name).parts) > 1 or name.startswith("~"):
        return DataError(str(path), expected=_KINDS, got="no such file or folder", remedy="check the path")
    remedy = suggest(name, SOURCES, cutoff=0.5)
    expected = f"{one_of(name, SOURCES, cutoff=0.5)}, or the path of {_KINDS}"
    return ConfigError("data", expected=expected, got=repr(name), remedy=remedy)
