"""``gatehouse rules``: what came, which rule did what about it and why, and what a file would do.

The record is read from the gate's data folder, with or without a running agent.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.core.errors import CheckFailedError, StoreError
from provisioning.call import ConfigOption, load_config
from provisioning.output import JsonFlag, show

app = typer.Typer(
    help="What the rules did and why, and what they would do. 规则：依据与回放。",
    no_args_is_help=True,
)
HEAD = {"gatehouse": "record", "version": 1}
Id = Annotated[
    str,
    typer.Argument(
        help="The number of an event, or the id of an alert or fact (its start will do). 编号",
        metavar="EVENT_ID",
    ),
]


@app.command()
def events(
    config: ConfigOption,
    last: Annotated[int, typer.Option(help="How many, the newest. 条数", min=1)] = 20,
    as_json: JsonFlag = False,
) -> None:
    """近期事件: Show the newest events of the record and what came of them."""
    from provisioning.explain import line

    found = _entries(config)[-last:]
    show({"events": found}, "\n".join(map(line, found)) or "no event", as_json=as_json)


@app.command()
def explain(event_id: Id, config: ConfigOption, as_json: JsonFlag = False) -> None:
    """说明依据: Tell which rule did what about an event, and why."""
    from provisioning.explain import explained, find

    entry = find(_entries(config), event_id)
    language = load_config(config).console.language
    show(entry, "\n".join(explained(entry, language)), as_json=as_json)


@app.command()
def record(
    config: ConfigOption,
    out: Annotated[Path, typer.Option("--out", help="The file to write. 文件", metavar="LOG")],
    last: Annotated[int, typer.Option(help="How many, the newest. 条数", min=1)] = 10_000,
    as_json: JsonFlag = False,
) -> None:
    """导出记录: Write the newest events of the record into a file."""
    found = _entries(config)[-last:]
    lines = [json.dumps(entry, ensure_ascii=False) for entry in (HEAD, *found)]
    try:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}") from error
    show({"events": len(found), "log": str(out)}, f"{len(found)} events: {out}", as_json=as_json)


@app.command()
def replay(
    log: Annotated[Path, typer.Argument(help="What 'record' wrote. 记录文件", metavar="LOG")],
    config: ConfigOption,
    as_json: JsonFlag = False,
) -> None:
    """回放记录: Run recorded events through a file's rules; exit 1 when they decide otherwise."""
    from agent.config.load import load
    from provisioning.explain import difference
    from provisioning.left_out import in_words, left_out
    from provisioning.replay import differences

    entries = _read(log)
    found = differences(entries, load(config).config)
    rows = [
        {
            "word": d.word,
            "about": d.about,
            "was": d.was and {"at": d.was.at, "done": d.was.done},
            "now": d.now and {"at": d.now.at, "done": d.now.done},
        }
        for d in found
    ]
    told = [difference(d) for d in found]
    summary = f"{len(entries)} events, {len(found)} differences  共 {len(found)} 处不同"
    ways = left_out(entries)
    answer = {"events": len(entries), "differences": rows, "not_replayed": ways}
    lines = [line for line in (*told, summary, in_words(ways)) if line]
    show(answer, "\n".join(lines), as_json=as_json)
    if found:
        raise typer.Exit(CheckFailedError.exit_code)


def _entries(config: Path) -> list[dict[str, Any]]:
    from agent.incidents.record_file import entries_of, files_of, folder_of
    from provisioning.record_entry import checked

    folder = folder_of(load_config(config).node.data_dir)
    try:
        return [checked(entry, str(folder)) for entry in entries_of(*files_of(folder))]
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error


def _read(log: Path) -> list[dict[str, Any]]:
    from agent.incidents.record_file import entries_of
    from provisioning.record_entry import checked

    try:
        with log.open("rb") as file:
            head = json.loads(file.readline(1000) or b"null")
        entries = [checked(entry, str(log)) for entry in entries_of(log)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckFailedError(f"{log} cannot be read: {reason}") from error
    if head != HEAD:
        raise CheckFailedError(f"{log} is no record of 'gatehouse rules record'")
    return entries
