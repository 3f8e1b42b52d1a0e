"""``gatehouse watchlist``: what stands on the lists of this gate.

Everything goes through the running agent, which checks signatures and has templates made.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.core.errors import CheckFailedError
from provisioning.call import ConfigOption, ask_agent
from provisioning.output import JsonFlag, show

app = typer.Typer(help="Signed watchlists of this gate.", no_args_is_help=True)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A document signed by 'gatehouse station sign'.")],
    config: ConfigOption,
    as_json: JsonFlag = False,
) -> None:
    """Apply a signed watchlist; entries that cannot be used are named (exit 1 if there are any)."""
    try:
        document = file.read_bytes()
    except OSError as error:
        raise CheckFailedError(f"{file} cannot be read: {error.strerror or error}") from error
    text = base64.b64encode(document).decode("ascii")
    answer = ask_agent(config, "watchlist.import", document=text)
    show(answer, _import_text(answer), as_json=as_json)
    if answer["rejected"]:
        raise typer.Exit(1)


@app.command(name="list")
def list_(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """Show every entry that stands at this gate. No photo, no template, no name is shown."""
    answer = ask_agent(config, "watchlist.list")
    rows = [_row(entry) for entry in answer["entries"]]
    show(answer, "\n".join(rows) or "no entry: nobody is searched for", as_json=as_json)


@app.command()
def expire(
    config: ConfigOption,
    entries: Annotated[
        list[str] | None, typer.Argument(help="End these now; none: delete what is over.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Delete entries whose time is over, or end entries at this gate before their time."""
    answer = ask_agent(config, "watchlist.expire", entries=entries or [])
    deleted = answer["deleted"]
    text = f"deleted: {', '.join(deleted)}" if deleted else "nothing is over"
    show(answer, text, as_json=as_json)


def _import_text(answer: dict[str, Any]) -> str:
    head = f"watchlist {answer['status']} version {answer['version']}: "
    lines = [head + f"{len(answer['entries'])} entries stand at this gate"]
    lines += [_row(entry) for entry in answer["entries"]]
    lines += [f"rejected {r['entry_id']}: {r['reason']}" for r in answer["rejected"]]
    return "\n".join(lines)


_WAITING = {
    "waiting": " (no template yet: is the vision program running?)",
    "resend": " (templates of another model: the station must send its photos again)",
}


def _row(entry: dict[str, Any]) -> str:
    waiting = "" if entry["templates"] else _WAITING.get(entry["state"], "")
    return (
        f"{entry['entry_id']}  {entry['list']}  {entry['status']}  {entry['state']}  "
        f"until {entry['expires_at']}  {entry['category']}{waiting}"
    )
