"""``gatehouse station token, gates, areas, enrol, revoke``: who is a gate of this station.

Here: options, printing, asking. What the commands do is in ``station.trust.actions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from station.arguments import Dir, Gate, Json
from station.terminal import exits, write_json

Areas = Annotated[
    list[str] | None, typer.Option("--area", help="An area it belongs to; may be repeated.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.command()(token)
    app.command()(gates)
    app.command()(areas)
    app.command()(enrol)
    app.command()(revoke)


@exits
def token(
    *,
    directory: Dir,
    gate: Annotated[str | None, typer.Argument(help="SITE/NODE; none with --list.")] = None,
    hours: Annotated[
        float, typer.Option(min=0.0, max=24.0, help="How long it is good for.")
    ] = 24.0,
    area: Areas = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the tokens instead.")] = False,
    withdraw: Annotated[
        str | None, typer.Option("--revoke", metavar="ID", help="Withdraw a token instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a token with which one gate may join, once, within a day."""
    from station.trust import actions

    if sum((gate is not None, listed, withdraw is not None)) != 1:
        raise typer.BadParameter("give SITE/NODE, or --list, or --revoke ID")
    if listed:
        told = actions.tokens(directory)
        _show(told, _token_lines(told["tokens"]), as_json=as_json)
    elif withdraw is not None:
        told = actions.revoke_token(directory, withdraw)
        _show(told, [f"withdrawn: {told['id']} for {told['gate']}"], as_json=as_json)
    else:
        told = actions.token(directory, gate or "", area or [], hours)
        lines = [
            f"Token for {told['gate']}, good once until {told['expires_at']}:",
            "",
            str(told["token"]),
            "",
            f"At the gate: gatehouse join TOKEN (it will ask {told['address']})",
            f"Authority    {told['authority']}",
        ]
        _show(told, lines, as_json=as_json)


@exits
def gates(*, directory: Dir, as_json: Json = False) -> None:
    """Show every gate that joined, its key's fingerprint and how long its certificate is good."""
    from station.trust import actions

    told = actions.gates(directory)
    _show(told, _gate_lines(told["gates"]), as_json=as_json)


@exits
def areas(
    *,
    directory: Dir,
    gate: Gate,
    area: Areas = None,
    caller_for: Annotated[
        list[str] | None,
        typer.Option(help="An area that it may call while the station is silent; repeat."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set the areas of a gate that joined; none given: it belongs to none, and calls none."""
    from station.trust import actions

    told = actions.set_areas(directory, gate, area or [], caller_for or [])
    named = ", ".join(map(str, _rows(told["areas"]))) or "no area"
    calls = ", ".join(map(str, _rows(told["caller_for"])))
    also = f", may call {calls}" if calls else ""
    _show(told, [f"{told['gate']} belongs to {named}{also}"], as_json=as_json)


@exits
def enrol(
    *,
    directory: Dir,
    request: Annotated[Path, typer.Option(help="The gate's request file (.csr).")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the papers; default: beside the request.")
    ] = None,
    area: Areas = None,
    token: Annotated[
        str | None, typer.Option(help="A token for this gate, instead of a look.")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="What the gate's screen shows, instead of a question.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign the request of a gate without a network, brought on a USB stick."""
    from station.trust import actions

    def compared(gate: str, shown: str) -> str | None:
        if fingerprint is not None or as_json:
            return fingerprint
        print(f"The key of {gate} is\n  {shown}")
        return shown if typer.confirm("Does the gate's screen show the same?") else None

    told = actions.enrol(directory, request, out, area or [], token, compared)
    lines = [
        f"signed for {told['gate']}, key {told['fingerprint']}",
        f"Bring {told['papers']} to the gate and type: gatehouse join --from FOLDER",
        "The gate will show this authority; compare it:",
        f"  {told['authority']}",
    ]
    _show(told, lines, as_json=as_json)


@exits
def revoke(*, directory: Dir, gate: Gate, as_json: Json = False) -> None:
    """Shut a gate out: its certificates, its tokens, its session. It may join anew with a token."""
    from station.trust import actions

    told = actions.revoke(directory, gate)
    text = f"revoked: {told['gate']}, {told['certificates']} certificates; "
    _show(told, [f"{text}'station serve' ends its session within a minute"], as_json=as_json)


def _show(value: Mapping[str, object], lines: list[str], *, as_json: bool) -> None:
    if as_json:
        write_json(value)
    else:
        print("\n".join(lines))


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _token_lines(rows: object) -> list[str]:
    lines = [
        f"{row['id']}  {row['gate']}  {row['state']}  until {row['expires_at']}"
        for row in _rows(rows)
    ]
    return lines or ["no token"]


def _gate_lines(rows: object) -> list[str]:
    lines = []
    for row in _rows(rows):
        until = f"until {row['expires_at']}" if row["expires_at"] else "no certificate"
        named = "".join(
            f"  {what} {', '.join(row[key])}"
            for what, key in (("areas", "areas"), ("calls", "caller_for"))
            if row[key]
        )
        lines.append(f"{row['gate']}  {row['state']}  {until}{named}")
        if row["fingerprint"]:
            lines.append(f"  {row['fingerprint']}")
    return lines or ["no gate has joined"]
