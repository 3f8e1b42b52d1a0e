"""``gatehouse station``: the commands of the reference station.

Here: options, printing, exit codes. What the commands do is in ``station.actions``, imported when
a command runs: ``--help`` is quick and needs no MQTT or schema library.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from contract.words import Document, Stage, Status
from station.lang import Lang
from station.terminal import exits, teller, write_json

app = typer.Typer(
    name="station",
    help="The reference station: receives alerts, stores them durably, then acks.",
    no_args_is_help=True,
    add_completion=False,
)


class Mqtt(StrEnum):
    """The protocol towards the broker."""

    AUTO = "auto"
    V5 = "5"
    V311 = "3.1.1"


class PersonStage(StrEnum):
    """Stages that a person sets."""

    SEEN = "seen"
    HANDLING = "handling"
    CLOSED = "closed"


Dir = Annotated[Path, typer.Option("--dir", help="The station's folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Pem = Annotated[Path | None, typer.Option(help="PEM file for TLS; all three or none.")]


@app.command()
@exits
def init(
    *,
    directory: Dir,
    station: Annotated[str, typer.Option("--id", help="Its id: a-z, 0-9 and -, up to 32.")],
    name: Annotated[str, typer.Option(help="The name that people read.")] = "",
    as_json: Json = False,
) -> None:
    """Make the station's folder with its role keys; never overwrites one."""
    from station import actions

    told = actions.init(directory, station, name)
    if as_json:
        write_json(told)
        return
    public = told["keys"]
    print(f"Station {station} is ready in {directory}.")
    print(f"Give every gate the file {told['trusted_keys']}; compare these when you do:")
    for role, text in public.items() if isinstance(public, dict) else ():
        print(f"  {role:<10} {text}")
    print(f"Keep {directory / 'keys'} to yourself: whoever has a key commands every gate.")


@app.command()
@exits
def serve(
    *,
    directory: Dir,
    broker: Annotated[
        str, typer.Option(help="HOST:PORT of the MQTT broker; of a cluster all, with commas.")
    ],
    protocol: Annotated[
        Mqtt, typer.Option(help="MQTT version; auto: 5, or what it speaks.")
    ] = Mqtt.AUTO,
    user: Annotated[str | None, typer.Option(help="User name at the broker.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the password.")
    ] = None,
    ca: Pem = None,
    cert: Pem = None,
    key: Pem = None,
    as_json: Json = False,
) -> None:
    """Receive, store, then ack, until SIGTERM or SIGINT. Another machine's broker needs TLS."""
    from station import actions

    spoken: Literal["auto", "5", "3.1.1"] = protocol.value
    choice = actions.BrokerChoice(broker, spoken, user, password_file, ca, cert, key)
    actions.serve(directory, choice, teller(as_json=as_json))


@app.command()
@exits
def ack(
    *,
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or how it starts.")],
    directory: Dir,
    stage: Annotated[PersonStage, typer.Option(help="How far you are.")],
    by: Annotated[str, typer.Option(help="Your role or badge, such as duty-officer.")],
    gate: Annotated[str | None, typer.Option(help="SITE/NODE, where two gates use one id.")] = None,
    as_json: Json = False,
) -> None:
    """Say how far the station is with an alert; durable, and never back a stage."""
    from station import actions

    if not 1 <= len(by.strip()) <= 64:
        raise typer.BadParameter("give 1 to 64 characters", param_hint="--by")
    told = actions.ack(directory, alert_id, Stage(stage.value), by.strip(), gate)
    if as_json:
        write_json(told)
        return
    how = "acked" if told["changed"] else "was so before"
    print(f"{how}: {told['alert_id']} {told['stage']} by {told['by']}")


@app.command()
@exits
def send(
    *,
    gate: Annotated[str, typer.Argument(help="SITE/NODE or STATION.SITE.NODE.")],
    document: Annotated[Document, typer.Argument(help="Which document; this version: watchlist.")],
    file: Annotated[Path, typer.Argument(help="The signed file.")],
    directory: Dir,
    as_json: Json = False,
) -> None:
    """Give a gate a signed document; the broker keeps it for a gate that is away."""
    from station import actions

    told = actions.send(directory, gate, document, file)
    if as_json:
        write_json(told)
    else:
        print(f"sent: version {told['version']} to {told['topic']}")


@app.command()
@exits
def sign(
    *,
    file: Annotated[Path, typer.Argument(help="YAML or JSON list of watchlist entries.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the signed file goes.")],
    directory: Dir,
    exercise: Annotated[bool, typer.Option("--exercise", help="For a drill only.")] = False,
    version: Annotated[int | None, typer.Option(min=1, help="Default: the last one + 1.")] = None,
    node: Annotated[str, typer.Option(help="SITE/NODE, or * for every gate.")] = "*",
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Sign a list that withdraws everybody.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a list of watchlist entries, read its photos in, and sign it."""
    from station import actions

    told = actions.sign_watchlist(
        directory,
        file,
        output,
        status=Status.EXERCISE if exercise else Status.ACTUAL,
        version=version,
        node=node,
        allow_empty=allow_empty,
    )
    if as_json:
        write_json(told)
        return
    print(f"signed {output}: version {told['version']}, {told['entries']} entries, {told['hash']}")
    if not told["sendable"]:
        print(f"It is {told['bytes']} bytes long, too large to send: import it at the gate.")


@app.command()
@exits
def watch(
    *,
    directory: Dir,
    once: Annotated[bool, typer.Option("--once", help="Show the present and end.")] = False,
    lang: Annotated[Lang | None, typer.Option(help="Language; default: the terminal's.")] = None,
    as_json: Json = False,
) -> None:
    """Show gates and alerts as they come; --json prints one line for every change."""
    from station import actions

    actions.watch_station(directory, lang, once=once, as_json=as_json)


def main() -> None:
    """``python -m station.cli``: the same commands without the rest of ``gatehouse``."""
    app(prog_name="gatehouse station")


if __name__ == "__main__":
    main()
