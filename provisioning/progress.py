"""Progress bars on long work, on standard error; nothing where that is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Report = Callable[[str, float], None]


@contextmanager
def bars() -> Iterator[Report]:
    """Yields a function that takes a stage's name and its share done, 0 to 1; one bar a stage."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def report(stage: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=1.0)
                if not console.is_terminal:
                    console.print(f"{stage} ...", highlight=False)
            progress.update(tasks[stage], completed=share)

        yield report
