"""``gatehouse station lead``: leads that wait for a person, and what persons say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from contract.words import Outcome
from station.arguments import By, Dir, Json, OneOfTwo, trimmed
from station.standing import Word
from station.terminal import exits, write_json

app = typer.Typer(
    name="lead",
    help="Face leads: two persons confirm one before anybody acts, or one rejects it. 线索核实",
    no_args_is_help=True,
)
LONGEST_REASON = 300
Lead = Annotated[
    str, typer.Argument(metavar="ALERT", help="The lead's alert id, or how it starts.")
]
Reason = Annotated[str, typer.Option(help="What you saw; it is written down for good.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for the gate's answer.")]


@app.command(name="list")
@exits
def list_(
    *,
    directory: Dir,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    as_json: Json = False,
) -> None:
    """查看线索: Show leads that wait for a person, newest first, with what was said of each."""
    from station import leads

    told = leads.listing(directory, everything=everything)
    if as_json:
        write_json(told)
        return
    rows = told["leads"]
    for row in rows if isinstance(rows, list) else ():
        score, threshold = row["details"]["score"], row["details"]["threshold"]
        liveness = row["details"].get("liveness")
        print(
            f"{row['alert_id']}  {row['status']}  {row['kind']}  {row['gate']}"
            f"  {row['details']['entry_id']}  {score} (from {threshold})  {row['standing']}"
            + (f"  liveness: {liveness}" if liveness else "")
            + (f"  picture 图片: {row['picture']}" if row["picture"] != "none" else "")
        )
        for said in row["verdicts"]:
            print(f"    {said['verdict']} {said['by']} {said['at']}: {said['reason']}")
    if not rows:
        print("no lead waits for a person 暂无待核实线索")
    print(f"record of verdicts: {told['record']}")


def _verdict(word: Word) -> Callable[..., None]:
    """The command by which a person says *word* of a lead."""

    @exits
    def command(
        *,
        lead: Lead,
        directory: Dir,
        by: By,
        reason: Reason,
        gate: OneOfTwo = None,
        wait: Wait = 30.0,
        as_json: Json = False,
    ) -> None:
        from station import leads

        person, seen = trimmed("--by", by), trimmed("--reason", reason, LONGEST_REASON)
        saying = leads.Saying(word, person, seen)
        _show(leads.decide(directory, lead, saying, gate=gate, wait_s=wait), as_json=as_json)

    return command


app.command(
    name="confirm",
    help="确认: Confirm a lead that you compared by eye; a second person has to do so as well.",
)(_verdict(Word.CONFIRM))
app.command(
    name="reject",
    help="否定: Reject a lead: the gate forgets whom it was about; the guard is told nothing more.",
)(_verdict(Word.REJECT))


@app.command()
@exits
def send(
    *, lead: Lead, directory: Dir, gate: OneOfTwo = None, wait: Wait = 30.0, as_json: Json = False
) -> None:
    """重新通知: Tell the gate again what was decided, after it did not answer."""
    from station import leads

    _show(leads.decide(directory, lead, None, gate=gate, wait_s=wait), as_json=as_json)


@app.command()
@exits
def picture(
    *,
    lead: Lead,
    directory: Dir,
    out: Annotated[Path, typer.Option(help="A new file; only you can read it.")],
    by: By,
    gate: OneOfTwo = None,
    as_json: Json = False,
) -> None:
    """导出图片: Write a lead's picture into a file to compare by eye; who took it is written down.

    Delete the file once you decided: a rejected lead's picture is destroyed here, not in your copy.
    """
    from station import leads

    told = leads.export(directory, lead, out, trimmed("--by", by), gate=gate)
    if as_json:
        write_json(told)
    else:
        print(f"{told['file']}: {told['bytes']} bytes. Delete it once you decided 核实后请删除")


def _show(told: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        write_json(told)
    else:
        print(f"{told['alert_id']}: {told['standing']}; gate: {told['outcome']} {told['reason']}")
    if told["outcome"] != Outcome.DONE:
        raise typer.Exit(1)
