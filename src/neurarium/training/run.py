"""A trained run, read back from its folder: evaluate, predict, look at its history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeGuard

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, NonFiniteError, ShapeError
from neurarium.data.catalog import load
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.numbers import check_inputs
from neurarium.data.own import dataset_from
from neurarium.data.own_arrays import is_pandas, learned_columns, series
from neurarium.data.plan import in_order
from neurarium.data.scaling import scaled, unscaled
from neurarium.data.table import Table
from neurarium.data.text_lines import holds_characters, holds_words, tokens_of
from neurarium.nets.interfaces import Generative
from neurarium.record.notebook import html_table
from neurarium.record.run_record import epochs_of, read_record
from neurarium.record.schema import Schema
from neurarium.tasks.model import EVALUATION_BATCH, Model
from neurarium.tasks.prediction import Prediction, joined
from neurarium.tasks.scores import Scores
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Task
from neurarium.training.data_info import DataInfo, read_data_info
from neurarium.training.device import DeviceConfig, find_device
from neurarium.training.doubts import learned_by_heart, loss_never_fell, no_better_than_guessing
from neurarium.training.fast_inference import prepared_for_inference
from neurarium.training.folder import is_run, load_weights, read_recipe
from neurarium.training.pretrained import build_net, pretrained_folder, read_pretrained, role_of
from neurarium.training.recipe import Recipe, for_measuring, net_kind
from neurarium.training.rules.table import rule_class, rule_name

Split: TypeAlias = Literal["test", "validation", "train"]


@dataclass(frozen=True, eq=False)
class Run:
    """A net with its weights, the recipe that made them and what it knows of the data."""

    folder: Path
    recipe: Recipe
    info: DataInfo
    net: nn.Module
    device_config: DeviceConfig
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {', '.join(f'{name} {value}' for name, value in self._facts())})"

    def _repr_html_(self) -> str:
        return html_table(f"Run {self.folder}", [*self._facts(), ("examples", self.schema.in_words())])

    def _facts(self) -> list[tuple[str, str]]:
        parameters = sum(parameter.numel() for parameter in self.net.parameters())
        return [
            ("net", net_kind(self.recipe.net)),
            ("parameters", f"{parameters:,}"),
            ("data", self.info.name),
            ("device", str(self.device_config.device)),
        ]

    @property
    def schema(self) -> Schema:
        """What the examples look like that it learned from, and by what they are scaled."""
        return self.info.schema

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, or of the numbers that are predicted."""
        return self.schema.classes

    @property
    def model(self) -> Model:
        """The net and where it computes."""
        return Model(self.net, self.device_config.device, self.device_config.autocast)

    @property
    def history(self) -> list[dict[str, Any]]:
        """One entry an epoch: loss, errors, gradient norm, learning rate, seconds."""
        return epochs_of(read_record(self.folder / "record.jsonl"))

    def task(self, dataset: Dataset | None = None) -> Task:
        """What the net is asked for, as it is measured: after a distillation without its teacher.

        `dataset`: whose training examples balance the classes, where the recipe wants that.
        """
        recipe, below = for_measuring(self.recipe), pretrained_folder(self.folder)
        helpers = {}
        if role_of(recipe) == "judge" and is_run(below):
            helpers = read_pretrained(below).helpers(recipe, self.schema, self.device_config)
        if dataset is None and recipe.loss.balanced:  # weights matter for the loss alone
            recipe = replace(recipe, loss=replace(recipe.loss, balanced=False))
        train = None if dataset is None else dataset.train
        return task_of(recipe, self.schema, train=train, helpers=helpers, device=self.device_config.device)

    def evaluate(self, data: Any, split: Split | None = None, *, target: str | Sequence[str] | None = None) -> Scores:
        """Measure the net, by what it is asked for, on data like those that it learned from.

        The loss is the run's own: balanced weights are those of the data set's training examples, and after a
        distillation, without its teacher, it is the cross-entropy of the labels.

        Args:
            data: a `Dataset` or the name of one, of which a split is measured; or a file or folder, a pair (X, y), a
                frame: these are measured whole, but for files that have a test part of their own. Columns with names
                are found by them.
            split: none: "test", or all of what has no parts.
            target: the columns of a frame to compare with; none: those that it learned to predict.
        Raises DataError: no such examples, examples of another shape, or classes that the run has not learned.
        """
        dataset, notices = self._measurable(data, split, target)
        known, part = self.fitted(dataset), split or "test"
        examples = getattr(known, part)
        if len(examples) == 0:
            raise DataError(
                "evaluation", expected="at least one example", got="an empty split", remedy="name another split"
            )
        task = self.task(known)
        scores = task.score(self.model, known, part)
        warnings = (*no_better_than_guessing(scores.metrics), *self._doubts(task))
        return replace(scores, notices=(*self._scored(dataset, split), *notices), warnings=warnings)

    def _doubts(self, task: Task) -> list[str]:
        """What its record says of how it learned."""
        record, follows = self.folder / "record.jsonl", rule_class(rule_name(self.recipe)).follows
        descends = "schedule.*" in follows and any(leaf.startswith("loss.") for leaf in follows)
        if not (descends and task.error_vanishes and record.exists()):
            return []
        entries = read_record(record)
        name = "" if net_kind(self.recipe.net) == "own" else self.recipe.name
        held_out, kept_best = self.info.counts.get("validation", 0), self.recipe.early_stopping.restore_best
        return [*loss_never_fell(entries, name), *learned_by_heart(entries, held_out, kept_best)]

    def _measurable(
        self, data: Any, split: Split | None, target: str | Sequence[str] | None
    ) -> tuple[Dataset, tuple[str, ...]]:
        """What is to be measured as a data set, and what to say of how it was read."""
        if isinstance(data, Dataset):
            return data, ()
        like = None if split else self.schema
        if isinstance(data, (str, Path)):
            found = load(str(data), like=like)
            return found, found.notices
        if target is None and is_pandas(data, "DataFrame") and self.schema.targets:
            target = self.schema.target.names or tuple(self.schema.targets)
        own = dataset_from(data, target=target, like=like)
        return own.dataset, (*own.notices, *own.dataset.notices)

    def _scored(self, dataset: Dataset, split: Split | None) -> tuple[str, ...]:
        """Which examples are scored, where a user might think others were."""
        counts, part = dataset.counts(), split or "test"
        if getattr(dataset, part) is dataset.train and part != "train":
            own = dataset.name == self.info.name or Path(dataset.name).resolve() == Path(self.info.name).resolve()
            learned = "; it has learned from most of them: score those it has not by split test" if own else ""
            return (f"all {counts[part]:,} examples of {dataset.name} are scored{learned}",)
        if split is None and dataset.name != self.info.name and counts[part] < sum(counts.values()):
            most = f"{counts[part]:,} of {sum(counts.values()):,} examples"
            return (f"the test split of {dataset.name} alone is scored, {most}",)
        return ()

    def fitted(self, dataset: Dataset) -> Dataset:
        """A data set as the net knows its inputs and targets: scaled as its training examples were.

        Raises DataError: fields of another number or shape, or categories that the run has not learned.
        """
        own, theirs = self.schema, dataset.schema
        shapes = [[field.shape for field in schema.inputs.values()] for schema in (own, theirs)]
        wanted = role_of(self.recipe) != "judge" and bool(own.targets) and _looks_at_targets(self.recipe, own)
        kinds = [[(f.shape, bool(f.categories)) for f in schema.targets.values()] for schema in (own, theirs)]
        if shapes[0] != shapes[1] or (wanted and kinds[0] != kinds[1]):
            raise DataError(
                f"data {dataset.name}",
                expected=f"examples like those it learned from: {_few(own)}",
                got=_few(theirs),
                remedy="evaluate on data like those of the training",
            )
        if not wanted:
            own = Schema(own.inputs, theirs.targets)
        return dataset.with_schema(own)

    def predict(self, inputs: Any, **options: Any) -> Prediction:
        """Answer for raw inputs, in the units of the training data (pixels 0 to 255 for images).

        Args:
            inputs: (examples, *shape), or one example of `shape`; a pandas frame, whose columns are found by the names
                that were learned; for series a list of arrays (steps, features), for text a list of strings; or
                examples without targets, of any kind.
            options: of the task, such as `longest` for translations.
        Raises ConfigError: a net that is for something else than answers; ShapeError: inputs of another shape;
        DataError: inputs that are not finite; NonFiniteError: answers that are not.
        """
        inputs, notices = learned_columns(inputs, self.schema)
        if not isinstance(inputs, Examples):
            inputs = self.examples(inputs)
        examples = inputs.with_schema(Schema(self.schema.inputs, inputs.schema.targets))
        task, model, schema = self.task(), self.model, examples.schema
        batches = (check_inputs(batch, schema) for batch in in_order(examples, EVALUATION_BATCH))
        answers = joined([task.predict(model, batch, **options) for batch in batches])
        if not (finite := np.isfinite(answers.values)).all():
            raise NonFiniteError(
                f"answer {int(np.argmin(finite.all(1)))} (counted from 0)",
                expected="finite numbers",
                got="an undefined or infinite one",
                remedy="see whether the input lies far from what the net learned from, or its weights are not finite",
            )
        return replace(answers, notices=notices)

    def examples(self, inputs: Any) -> Examples:
        """Raw inputs as examples without targets, under the run's scaling.

        `inputs`: as in `predict`.
        Raises ShapeError: inputs of another shape, or a net that takes neither a tensor of numbers, nor series, nor
        text; DataError: a word or character that was not learned.
        """
        schema = Schema(self.schema.inputs)
        field = schema.input
        alone = len(schema.inputs) == 1
        if alone and (holds_words(field) or holds_characters(field)) and _are_lines(inputs):
            return tokens_of(inputs, [f"text {k} (counted from 0)" for k in range(len(inputs))], schema)
        if alone and field.is_series and _is_sequence(inputs):
            return series(inputs, field, "inputs")
        if not alone or field.is_ragged or field.categories:
            fields = ", ".join(f"{name} ({one.in_words()})" for name, one in schema.inputs.items())
            raise ShapeError(
                "inputs",
                expected=f"examples of {fields}",
                got=f"type {type(inputs).__name__}",
                remedy="give a list of arrays for series, of strings for text, else neurarium.data examples of this "
                "schema (Ragged, Packed, Nodes)",
            )
        return Table((self._raw(inputs),), (), schema)

    def for_inference(self, inputs: Tensor | np.ndarray | None = None, precision: str = "auto") -> "Run":
        """The same run with a copy of its net made ready to answer fast (`training.fast_inference`); a notice says how.

        Args:
            inputs: raw examples, a few dozen, on which bfloat16 has to give the same classes; none: nothing is tried.
            precision: "float32", "bfloat16", or "auto": bfloat16 where the processor has it and the examples allow.
        Raises ConfigError: a net that is for something else than answers, or an unknown precision; ShapeError: inputs
        of another shape, or a net that does not take one tensor of numbers.
        """
        if self.task().name not in ("classification", "regression"):
            raise ConfigError(
                f"run {self.folder}",
                expected="a net that predicts classes or numbers",
                got=f"{net_kind(self.recipe.net)}, a net for {self.task().name}",
            )
        field = self.schema.dense("fast inference")
        probe = None if inputs is None else scaled(self._raw(inputs), field)
        fast = prepared_for_inference(self.net, self.device_config, precision, probe)
        # what it computes in is the net's own affair
        alone = replace(self.device_config, precision="float32")
        return replace(self, net=fast, device_config=alone, notices=(*self.notices, fast.choice.in_words()))

    def sample(self, count: int = 64, seed: int = 0, steps: int = 1000) -> Float[Tensor, "count *shape"]:
        """Make examples, in the units of the training data; the same ones for the same seed.

        Args:
            seed: of the noise, or of the Markov chains.
            steps: of Gibbs sampling from coin tosses, for a Boltzmann machine.
        Raises ConfigError: a net that makes no examples, or none asked for.
        """
        if not isinstance(self.net, Generative):
            raise ConfigError(
                f"run {self.folder}",
                expected="a net that makes examples: gan, dcgan or rbm",
                got=f"{net_kind(self.recipe.net)}, a net for {self.task().name}",
            )
        return unscaled(self.net.sample(count, seed, steps).cpu(), self.schema.input)

    def _raw(self, inputs: Any) -> Tensor:
        """Inputs as a batch of the run's shape."""
        shape = self.schema.dense("predict").fixed_shape
        if isinstance(inputs, np.ndarray) or is_pandas(inputs, "DataFrame"):  # torch warns of memory that is read-only
            inputs = np.require(np.asarray(inputs), requirements=["C", "W"])
        tensor = torch.as_tensor(inputs)
        if tuple(tensor.shape) == shape:
            tensor = tensor[None]
        if tuple(tensor.shape[1:]) != shape:
            wanted = ", ".join(["examples", *map(str, shape)])
            raise ShapeError("inputs", expected=f"({wanted})", got=str(tuple(tensor.shape)))
        if len(tensor) == 0:
            raise ShapeError("inputs", expected="at least one example", got="none")
        return tensor


def _is_sequence(inputs: Any) -> TypeGuard[Iterable[Any]]:
    return isinstance(inputs, (list, tuple, Tensor, np.ndarray)) and len(inputs) > 0


def _are_lines(inputs: Any) -> TypeGuard[Sequence[str]]:
    return isinstance(inputs, (list, tuple)) and bool(inputs) and all(isinstance(line, str) for line in inputs)


def load_run(folder: str | Path, net: nn.Module | None = None, device: str | None = None) -> Run:
    """Read a run back from its folder.

    Args:
        net: the module that was trained, where it was the user's own.
        device: where to compute; none: where the run was trained, or what is there.
    Raises RunError: no run there, not trained yet, or damaged beyond its last checkpoint.
    """
    folder = Path(folder)
    recipe, info = read_recipe(folder), read_data_info(folder)
    device_config = find_device(device or "auto", recipe.precision, recipe.matrix_products)
    if net is None:
        # building draws initial weights; the caller's generator is none of its business
        with torch.random.fork_rng(devices=[]):
            net = build_net(recipe, info.schema, folder=folder)
    notices = load_weights(net, folder)
    return Run(folder, recipe, info, device_config.place(net).eval(), device_config, notices)


def _looks_at_targets(recipe: Recipe, schema: Schema) -> bool:
    return (recipe.net.task if recipe.task == "auto" else recipe.task) not in ("reconstruction", "density", "recall")


def _few(schema: Schema, most: int = 5) -> str:
    inputs = ", ".join(f"{name} {field.shape}" for name, field in schema.inputs.items())
    if not schema.targets:
        return f"{inputs}, no targets"
    names = schema.classes
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{inputs}, in the classes {', '.join(names[:most])}{more}"
