"""What the user should know beside the answer: on standard error, so that standard output holds the answer alone."""

from collections.abc import Iterable


def tell(notices: Iterable[str], word: str = "note") -> None:
    """Write a line for each notice, after what kind it is."""
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    for notice in notices:
        console.print(f"{word}: {notice}", style="yellow")
