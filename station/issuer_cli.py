"""``gatehouse station issuers``: who else may order the gates of this station, and at which level.

Here: options and printing. Not here: the file (``station.issuers``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract.words import Role
from station.arguments import Dir, Json
from station.terminal import exits, write_json, write_line


def register(app: typer.Typer) -> None:
    """Add this command to *app*."""
    app.command()(issuers)


@exits
def issuers(
    *,
    directory: Dir,
    add: Annotated[
        Path | None,
        typer.Option(help="The trusted-keys.json of the centre that may order, too."),
    ] = None,
    level: Annotated[str, typer.Option(help="Its level: station, county or city.")] = "county",
    role: Annotated[
        list[Role] | None, typer.Option(help="What it may order; default: config and drill.")
    ] = None,
    remove: Annotated[str | None, typer.Option(help="The id of one that may no more.")] = None,
    as_json: Json = False,
) -> None:
    """上级指挥: List who else may order the gates; --add and --remove change it.

    Gates that joined before keep the list that they have, until the file is brought to them.
    """
    from station.issuers import Addition, change

    added = Addition(add, level, role or [Role.CONFIG, Role.DRILL]) if add else None
    listing = change(directory, added, remove)
    rows = [(name, one.level, [r.value for r in one.keys]) for name, one in listing.issuers.items()]
    if as_json:
        write_json({"issuers": [{"issuer": n, "level": lv, "roles": r} for n, lv, r in rows]})
        return
    lines = [f"{name}  {at}  {', '.join(roles)}" for name, at, roles in rows]
    write_line("\n".join(lines) or "nobody but this station")
    if listing.changed:
        write_line(f"Bring {listing.file} to gates that joined before (docs/enrolment.md).")
