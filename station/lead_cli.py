"""``gatehouse station lead``: leads that wait for a person, and what persons say of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.words import Outcome
from station.terminal import exits, write_json

if TYPE_CHECKING:
    from station.leads import Word

app = typer.Typer(
    name="lead",
    help="Face leads: two persons confirm one before anybody acts, or one rejects it. 线索核实",
    no_args_is_help=True,
)
Dir = Annotated[Path, typer.Option("--dir", help="The station's folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Lead = Annotated[
    str, typer.Argument(metavar="ALERT", help="The lead's alert id, or how it starts.")
]
By = Annotated[str, typer.Option(help="Your role or badge, such as desk-3.")]
Reason = Annotated[str, typer.Option(help="What you saw; it is written down for good.")]
Gate = Annotated[str | None, typer.Option(help="SITE/NODE, where two gates use one id.")]
LONGEST_BY = 64
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


@app.command()
@exits
def confirm(
    *,
    lead: Lead,
    directory: Dir,
    by: By,
    reason: Reason,
    gate: Gate = None,
    wait: Wait = 30.0,
    as_json: Json = False,
) -> None:
    """确认: Confirm a lead that you compared by eye; a second person has to confirm it as well."""
    from station.leads import Word

    _decide(directory, lead, Word.CONFIRM, by, reason, gate, wait, as_json=as_json)


@app.command()
@exits
def reject(
    *,
    lead: Lead,
    directory: Dir,
    by: By,
    reason: Reason,
    gate: Gate = None,
    wait: Wait = 30.0,
    as_json: Json = False,
) -> None:
    """否定: Reject a lead: the gate forgets whom it was about; the guard is told nothing more."""
    from station.leads import Word

    _decide(directory, lead, Word.REJECT, by, reason, gate, wait, as_json=as_json)


@app.command()
@exits
def send(
    *, lead: Lead, directory: Dir, gate: Gate = None, wait: Wait = 30.0, as_json: Json = False
) -> None:
    """重新通知: Tell the gate again what was decided, after it did not answer."""
    _decide(directory, lead, None, "-", "-", gate, wait, as_json=as_json)


@app.command()
@exits
def picture(
    *,
    lead: Lead,
    directory: Dir,
    out: Annotated[Path, typer.Option(help="A new file; only you can read it.")],
    by: By,
    gate: Gate = None,
    as_json: Json = False,
) -> None:
    """导出图片: Write a lead's picture into a file to compare by eye; who took it is written down.

    Delete the file once you decided: a rejected lead's picture is destroyed here, not in your copy.
    """
    from station import leads

    if not 1 <= len(by.strip()) <= LONGEST_BY:
        raise typer.BadParameter(f"give 1 to {LONGEST_BY} characters", param_hint="--by")
    told = leads.export(directory, lead, out, by.strip(), gate=gate)
    if as_json:
        write_json(told)
    else:
        print(f"{told['file']}: {told['bytes']} bytes. Delete it once you decided 核实后请删除")


def _decide(
    folder: Path,
    lead: str,
    word: Word | None,
    by: str,
    reason: str,
    gate: str | None,
    wait: float,
    *,
    as_json: bool,
) -> None:
    from station import leads

    for name, text, longest in (("--by", by, LONGEST_BY), ("--reason", reason, 300)):
        if not 1 <= len(text.strip()) <= longest:
            raise typer.BadParameter(f"give 1 to {longest} characters", param_hint=name)
    told = leads.decide(folder, lead, word, by.strip(), reason.strip(), gate=gate, wait_s=wait)
    if as_json:
        write_json(told)
    else:
        print(f"{told['alert_id']}: {told['standing']}; gate: {told['outcome']} {told['reason']}")
    if told["outcome"] != Outcome.DONE:
        raise typer.Exit(1)
