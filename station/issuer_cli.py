"""``gatehouse station issuers``: who else may order the gates of this station, and at which level.

They stand in ``trusted-keys.json``, which a gate gets when it joins. Here: options, printing, and
that one file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from agent.core.errors import CheckFailedError
from contract.words import Role
from station.terminal import exits, write_json, write_line

Dir = Annotated[Path, typer.Option("--dir", help="The station's folder.", show_default=False)]
_Key = TypeVar("_Key")
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


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
    from agent.files.atomic import write_atomic
    from contract.signing import Issuer, TrustedKeys, read_trusted_keys
    from station import keys

    def read(path: Path) -> TrustedKeys:
        try:
            return read_trusted_keys(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CheckFailedError(f"{path}: {error}") from error

    path = keys.open_station(directory).trusted_keys
    trusted = read(path)
    listed = dict(trusted.issuers)
    if remove is not None and listed.pop(remove, None) is None:
        raise CheckFailedError(f"{remove!r} is not listed")
    if add is not None:
        other = read(add)
        given = _given(add, other.keys, role or [Role.CONFIG, Role.DRILL])
        listed[other.station] = Issuer(level, given)
    if listed != trusted.issuers:
        data = replace(trusted, issuers=listed).to_json()
        try:
            read_trusted_keys(data)
        except ValueError as error:
            raise CheckFailedError(str(error)) from error
        write_atomic(path, data, mode=0o644)
    rows = [
        {"issuer": name, "level": one.level, "roles": [each.value for each in one.keys]}
        for name, one in listed.items()
    ]
    if as_json:
        write_json({"issuers": rows})
        return
    lines = [f"{r['issuer']}  {r['level']}  {', '.join(map(str, r['roles']))}" for r in rows]
    write_line("\n".join(lines) or "nobody but this station")
    if listed != trusted.issuers:
        write_line(f"Bring {path} to gates that joined before (docs/enrolment.md).")


def _given(path: Path, keys: Mapping[Role, _Key], wanted: list[Role]) -> dict[Role, _Key]:
    """The keys of *wanted* roles; CheckFailedError when the file lacks one."""
    lacking = [role.value for role in wanted if role not in keys]
    if lacking:
        raise CheckFailedError(f"{path} has no key of role {', '.join(lacking)}")
    return {role: keys[role] for role in wanted}
