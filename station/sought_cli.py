"""``gatehouse station track`` and ``search``: orders to several gates from one case file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from contract.words import CommandName
from station.arguments import By, Dir, Exercise, Json, Reason
from station.terminal import answer_lines, exits, write_json

track_app = typer.Typer(
    name="track",
    help="Have gates follow one person: every sighting is a lead. 协同跟踪",
    no_args_is_help=True,
)
search_app = typer.Typer(
    name="search",
    help="Have gates search for a missing person, for 72 h at most. 走失寻人",
    no_args_is_help=True,
)
Case = Annotated[Path, typer.Argument(help="YAML or JSON of one entry, with photos.")]
Entry = Annotated[str, typer.Argument(metavar="ENTRY_ID", help="The entry of the case.")]
Gates = Annotated[list[str], typer.Option("--gate", help="SITE/NODE; may be repeated.")]
Silent = Annotated[
    bool, typer.Option("--silent", help="Nothing of it shows or sounds at the gates.")
]
Lower = Annotated[
    bool, typer.Option("--lower-threshold", help="Likenesses for review as well, marked.")
]
Found = Annotated[bool, typer.Option("--found", help="Because the person was found.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for each gate.")]


@track_app.command(name="start")
@exits
def track_start(
    *,
    case: Case,
    gate: Gates,
    directory: Dir,
    by: By,
    reason: Reason,
    silent: Silent = False,
    lower_threshold: Lower = False,
    exercise: Exercise = False,
    wait: Wait = 30.0,
    as_json: Json = False,
) -> None:
    """开始跟踪: Follow the person of a case, with every field of a watchlist entry."""
    from station import sought

    ordering = sought.Ordering(gate, by, reason, exercise, wait)
    options = {"silent": silent, "lower_threshold": lower_threshold}
    told = sought.start(directory, CommandName.TRACK_START, case, ordering, **options)
    _show(told, as_json=as_json)


@search_app.command(name="start")
@exits
def search_start(
    *,
    case: Case,
    gate: Gates,
    directory: Dir,
    by: By,
    reason: Reason,
    lower_threshold: Lower = False,
    exercise: Exercise = False,
    wait: Wait = 30.0,
    as_json: Json = False,
) -> None:
    """开始寻人: Search for a missing person, by consent or an authority's order."""
    from station import sought

    ordering = sought.Ordering(gate, by, reason, exercise, wait)
    options = {"silent": False, "lower_threshold": lower_threshold}
    told = sought.start(directory, CommandName.SEARCH_START, case, ordering, **options)
    _show(told, as_json=as_json)


def _stopping(order: CommandName) -> Callable[..., None]:
    """The command that ends what *order*'s start began."""

    @exits
    def command(
        *,
        entry_id: Entry,
        gate: Gates,
        directory: Dir,
        by: By,
        reason: Reason,
        found: Found = False,
        exercise: Exercise = False,
        wait: Wait = 30.0,
        as_json: Json = False,
    ) -> None:
        from station import sought

        ordering = sought.Ordering(gate, by, reason, exercise, wait)
        _show(sought.stop(directory, order, entry_id, ordering, found=found), as_json=as_json)

    return command


track_app.command(
    name="stop", help="结束跟踪: Follow no more; each gate deletes the face and proves it."
)(_stopping(CommandName.TRACK_STOP))
search_app.command(
    name="stop", help="结束寻人: End a search; each gate deletes the face and proves it."
)(_stopping(CommandName.SEARCH_STOP))


def _show(results: list[dict[str, object]], *, as_json: bool) -> None:
    from station.sought import worst

    if as_json:
        write_json({"results": results})
    for told in () if as_json else results:
        print("\n".join(answer_lines(told)))
    if worst(results):
        raise typer.Exit(worst(results))
