"""``gatehouse audit``: who did what at this gate, and whether anybody changed the record of it.

``verify`` asks the running agent, which has the key that vouches; without an agent the files are
walked here, with the key where it can be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.core.audit import AuditKind
from agent.core.errors import CheckFailedError, GatehouseError, StoreError, UnreachableError
from provisioning.call import ConfigOption, ask_agent, load_config
from provisioning.output import JsonFlag, show

app = typer.Typer(help="The gate's audit log.", no_args_is_help=True)

FolderOption = Annotated[
    Path | None,
    typer.Option("--dir", help="A copied log instead of this gate's.", metavar="FOLDER"),
]


@app.command(name="show")
def show_(
    config: ConfigOption,
    last: Annotated[int, typer.Option(help="How many records, the newest.", min=1)] = 50,
    kind: Annotated[AuditKind | None, typer.Option(help="Only records of this kind.")] = None,
    folder: FolderOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the newest records of the log. Looking is written down too, where the agent runs."""
    records = _records(folder or _folder(config))
    found = [r for r in records if kind is None or r["kind"] == kind.value][-last:]
    if folder is None:
        _tell_agent(config, len(found))
    show({"records": found}, "\n".join(map(_line, found)) or "no record", as_json=as_json)


@app.command()
def verify(
    config: ConfigOption,
    heads: Annotated[
        Path | None,
        typer.Option(help="What 'gatehouse station audit heads --json' printed.", metavar="FILE"),
    ] = None,
    folder: FolderOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Walk the whole log: exit 1 and the first broken record when it was changed, cut or moved."""
    known = [] if heads is None else _read_heads(heads)
    answer = _verdict(config, folder, known)
    show(answer, _verdict_text(answer), as_json=as_json)
    if not answer["intact"]:
        raise typer.Exit(CheckFailedError.exit_code)


def _verdict(config: Path, folder: Path | None, heads: list[Any]) -> dict[str, Any]:
    from agent.audit.folder import verify as walk
    from agent.keeping_ops import heads_of, verdict_json
    from agent.vault import vouching_key

    if folder is not None:
        return verdict_json(walk(folder, None, heads_of(heads)))
    try:
        return ask_agent(config, "audit.verify", heads=heads)
    except UnreachableError:
        key = vouching_key(load_config(config).node.data_dir)
        return verdict_json(walk(_folder(config), [key] if key else None, heads_of(heads)))


def _read_heads(path: Path) -> list[Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckFailedError(f"{path} cannot be used: {error}") from error
    found = value.get("heads") if isinstance(value, dict) else value
    if not isinstance(found, list):
        raise CheckFailedError(f"{path} holds no list of heads")
    return found


def _records(folder: Path) -> Iterator[Mapping[str, Any]]:
    from agent.audit.folder import files_of

    for path in files_of(folder):
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        for line in lines:
            try:
                value = json.loads(line)
                yield {name: value[name] for name in ("n", "at", "kind", "who", "what")}
            except (ValueError, KeyError, TypeError, RecursionError):
                continue


def _folder(config: Path) -> Path:
    from agent.vault import AUDIT_FOLDER

    return load_config(config).node.data_dir / AUDIT_FOLDER


def _tell_agent(config: Path, count: int) -> None:
    """The agent writes down that somebody looked; without one there is nobody to write."""
    try:
        ask_agent(config, "audit.viewed", records=count)
    except GatehouseError:
        return


def _line(record: Mapping[str, Any]) -> str:
    what = ", ".join(f"{name}={value}" for name, value in record["what"].items() if value != "")
    return f"{record['n']:>6}  {record['at']}  {record['kind']:<9}  {record['who']}  {what}"


def _verdict_text(answer: Mapping[str, Any]) -> str:
    head = answer["head"]
    lines = [f"{answer['records']} records, {answer['first']} to {head['n']}"]
    if not answer["vouched"]:
        lines.append("the gate's own key is not here: only the chain was checked, not who wrote it")
    if answer["torn_bytes"]:
        lines.append(f"{answer['torn_bytes']} bytes of a half record at the end (a power cut)")
    for gap in answer["gaps"]:
        about = ", ".join(f"{k}={v}" for k, v in gap.items() if k not in ("n", "at", "why"))
        lines.append(f"gap at record {gap['n']} ({gap['at']}): {gap['why']}, {about}")
    for found in answer["breaks"]:
        place = f" ({found['place']})" if found["place"] else ""
        lines.append(f"BROKEN at record {found['n']}: {found['why']}{place}")
    lines.append("intact" if answer["intact"] else "NOT INTACT")
    return "\n".join(lines)
