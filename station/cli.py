"""``gatehouse station``: the commands of the reference station.

Here: options, printing, exit codes. What the commands do is in ``station.actions``, imported when
a command runs: ``--help`` is quick and needs no MQTT or schema library.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from agent.runtime.dumps import forbid_dumps
from contract.words import MAX_VERSION, CommandName, Document, Stage, Status
from station.answering_cli import register as register_answering
from station.arguments import Dir, Exercise, Gate, Json, Language, OneOfTwo, trimmed
from station.audit_cli import app as audit_app
from station.call_cli import register as register_calls
from station.guard_cli import register as register_guard
from station.issuer_cli import register as register_issuers
from station.lead_cli import app as lead_app
from station.sought_cli import search_app, track_app
from station.terminal import exits, show_answer, teller, write_json
from station.trust.cli import register as register_trust

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


Pem = Annotated[Path | None, typer.Option(help="PEM file for TLS; all three or none.")]


@app.command()
@exits
def init(
    *,
    directory: Dir,
    station: Annotated[str, typer.Option("--id", help="Its id: a-z, 0-9 and -, up to 32.")],
    name: Annotated[str, typer.Option(help="The name that people read.")] = "",
    host: Annotated[
        list[str] | None,
        typer.Option(help="Name or address under which gates reach it; may be repeated."),
    ] = None,
    bind: Annotated[str, typer.Option(help="Listen on this address only.")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The broker's port.")] = 8883,
    enrol_port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port for gates that join.")
    ] = 8884,
    gate_days: Annotated[
        float, typer.Option(min=0.0001, max=1100, help="How long a gate's certificate is good.")
    ] = 365.0,
    as_json: Json = False,
) -> None:
    """Make the station's folder: role keys, authority, broker files; never overwrites one."""
    from station.trust import actions
    from station.trust.files import Plan

    hosts = tuple(host or [actions.own_name()])
    plan = Plan(hosts, bind, port, enrol_port, gate_days * 86_400)
    told = actions.init(directory, station, name, plan)
    if as_json:
        write_json(told)
        return
    public = told["keys"]
    print(f"Station {station} is ready in {directory}. Gates reach it as {', '.join(hosts)},")
    print(f"ports {port} and {enrol_port}. Its authority, for comparing:")
    print(f"  {told['authority']}")
    print(f"Public role keys; gates get them when they join ({told['trusted_keys']}):")
    for role, text in public.items() if isinstance(public, dict) else ():
        print(f"  {role:<10} {text}")
    print(f"Keep {directory / 'keys'} to yourself: whoever has a key commands every gate.")
    print(f"Next: gatehouse station serve --dir {directory}")


@app.command()
@exits
def serve(
    *,
    directory: Dir,
    broker: Annotated[
        str,
        typer.Option(
            help="HOST:PORT of a broker, of a cluster all with commas, or 'mosquitto': run our own."
        ),
    ] = "mosquitto",
    enrol: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port for gates that join or renew; our own broker: as planned."
        ),
    ] = None,
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
    """Receive, store, then ack, until SIGTERM or SIGINT. Another machine's broker needs TLS.

    With 'mosquitto' the broker runs as a child with the generated configuration, and is reloaded
    when gates join or are revoked.
    """
    from station import actions

    spoken: Literal["auto", "5", "3.1.1"] = protocol.value
    choice = actions.BrokerChoice(broker, spoken, user, password_file, ca, cert, key, enrol)
    actions.serve(directory, choice, teller(as_json=as_json))


@app.command()
@exits
def ack(
    *,
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or how it starts.")],
    directory: Dir,
    stage: Annotated[PersonStage, typer.Option(help="How far you are.")],
    by: Annotated[str, typer.Option(help="Your role or badge, such as duty-officer.")],
    gate: OneOfTwo = None,
    as_json: Json = False,
) -> None:
    """Say how far the station is with an alert; durable, and never back a stage."""
    from station import actions

    told = actions.ack(directory, alert_id, Stage(stage.value), trimmed("--by", by), gate)
    if as_json:
        write_json(told)
        return
    how = "acked" if told["changed"] else "was so before"
    print(f"{how}: {told['alert_id']} {told['stage']} by {told['by']}")


@app.command()
@exits
def send(
    *,
    gate: Gate,
    what: Annotated[str, typer.Argument(help="A document (watchlist) or a command (door.open).")],
    file: Annotated[
        Path | None, typer.Argument(help="The signed file of a document.", show_default=False)
    ] = None,
    directory: Dir,
    door: Annotated[str | None, typer.Option(help="Of door.open: which door.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; it is written down.")] = None,
    by: Annotated[str | None, typer.Option(help="Your role or badge, such as desk-3.")] = None,
    arg: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE: another argument of the command.")
    ] = None,
    exercise: Exercise = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the result.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Give a gate a signed document, which the broker keeps for it, or a command, done now."""
    if what in set(CommandName):
        from station import commands, orders

        if file is not None:
            raise typer.BadParameter("a command takes no file", param_hint="FILE")
        named = {"door": door, "reason": reason, "by": by}
        given = {name: value for name, value in named.items() if value is not None}
        args = {**orders.args_of(arg or ()), **given}
        name = CommandName(what)
        answer = commands.send(directory, gate, name, args, exercise=exercise, wait_s=wait)
        show_answer(answer, as_json=as_json)
    elif what in set(Document):
        if file is None:
            raise typer.BadParameter("give the signed file", param_hint="FILE")
        _send_document(directory, gate, Document(what), file, as_json=as_json)
    else:
        words = ", ".join((*Document, *CommandName))
        raise typer.BadParameter(f"is none of {words}", param_hint="WHAT")


def _send_document(
    directory: Path, gate: str, document: Document, file: Path, *, as_json: bool
) -> None:
    from station import actions

    told = actions.send(directory, gate, document, file)
    if as_json:
        write_json(told)
    else:
        chunks = f" in {told['chunks']} chunks" if told["chunks"] else ""
        print(f"sent: version {told['version']} to {told['topic']}{chunks}")


@app.command()
@exits
def sign(
    *,
    file: Annotated[Path, typer.Argument(help="YAML or JSON list of watchlist entries.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the signed file goes.")],
    directory: Dir,
    exercise: Exercise = False,
    version: Annotated[
        int | None, typer.Option(min=1, max=MAX_VERSION, help="Default: the last one + 1.")
    ] = None,
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
    for hint in actions.hints(told):
        print(hint)


@app.command()
@exits
def watch(
    *,
    directory: Dir,
    once: Annotated[bool, typer.Option("--once", help="Show the present and end.")] = False,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Show gates and alerts as they come; --json prints one line for every change."""
    from station import actions

    actions.watch_station(directory, lang, once=once, as_json=as_json)


app.add_typer(audit_app, name="audit")
app.add_typer(lead_app, name="lead")
app.add_typer(track_app, name="track")
app.add_typer(search_app, name="search")
register_trust(app)
register_guard(app)
register_answering(app)
register_calls(app)
register_issuers(app)


def main() -> None:
    """``python -m station.cli``: the same commands without the rest of ``gatehouse``."""
    forbid_dumps()
    app(prog_name="gatehouse station")


if __name__ == "__main__":
    main()
