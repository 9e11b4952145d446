"""Find the command, run it, turn a user's mistake into one line and an exit code.

Nothing heavy is imported here: `neurarium --help` answers before torch would be loaded.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from neurarium import __version__
from neurarium.checks import UserError, choose

COMMANDS = {
    "train": "train a recipe: neurarium train lenet5 --epochs 5",
    "resume": "continue an interrupted run, bit for bit",
    "report": "make the report of a run anew, or one that was cut off",
    "evaluate": "measure a run on the test split or on other data",
    "predict": "answer for images, folders, npz, csv or txt files",
    "translate": 'what a net that writes tokens writes for texts: neurarium translate RUN "text"',
    "sample": "examples that a run's net makes: gan, dcgan, rbm",
    "list": "recipes, nets and data sets, one line each",
    "show": "layers, shapes, parameters and cost of a recipe, net or run",
    "trace": "activations, error signals, gradients and Jacobians of a recipe or run, layer by layer",
    "find-rate": "which learning rates a recipe can take: neurarium find-rate lenet5",
    "sweep": "train a grid of settings over several seeds and compare: --optimizer.name sgd,adam",
    "compare": "table and overlaid curves of several runs",
    "export": "write a run's net as torch-export, onnx or safetensors",
}
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; return its exit code: 0 done, 2 a user's mistake, 3 diverged, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        return _run(given)
    except UserError as error:
        if debug:
            raise
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        if debug:
            raise
        _complain(str(interrupt) or "interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has gone (`neurarium list | head`): point stdout elsewhere so that exit stays silent
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(given: list[str]) -> int:
    if not given or given[0] in {"-h", "--help", "help"}:
        _help()
        return 0
    if given[0] in {"-V", "--version"}:
        print(f"neurarium {__version__}")
        return 0
    choose(given[0], COMMANDS, subject="command")
    try:
        return int(import_module(f"neurarium.cli.{given[0].replace('-', '_')}_command").run(given[1:]))
    except SystemExit as stop:  # the argument parser's own way out
        return stop.code if isinstance(stop.code, int) else 2


def _help() -> None:
    print("neurarium: every neural network of a university course\n")
    print("usage: neurarium COMMAND ...     (neurarium COMMAND --help for its options)\n")
    for name, line in COMMANDS.items():
        print(f"  {name:<10}{line}")
    print(
        "\nNew here? `neurarium train lenet5` learns to read digits in seconds; its report is runs/lenet5-1/report.html"
    )
    print("Every command takes --debug: show the traceback of an error.")


def _complain(message: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print("[bold red]error:[/] ", end="")
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(message)


if __name__ == "__main__":
    sys.exit(main())
