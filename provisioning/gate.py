"""Commands at the gate: run, vision, check, status, sim, reset.

Thin: each reads its options, asks the agent or starts it, and shows the answer.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from provisioning.call import ConfigOption, ask_agent, load_config
from provisioning.output import JsonFlag, show


class Move(StrEnum):
    """What ``gatehouse sim`` can do to an input."""

    PRESS = "press"
    OPEN = "open"
    CLOSE = "close"
    CUT = "cut"
    SHORT = "short"
    RESTORE = "restore"


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.command()(run)
    app.command()(vision)
    app.command()(check)
    app.command()(status)
    app.command()(sim)
    app.command()(reset)


def run(config: ConfigOption) -> None:
    """Run the core agent: inputs, rules, outbox, link. Ends on SIGTERM or Ctrl-C."""
    _become("agent.main", config)


def vision(config: ConfigOption) -> None:
    """Run the vision program: cameras and faces. Ends on SIGTERM or Ctrl-C."""
    _become("agent.vision_main", config)


def _become(module: str, config: Path) -> None:
    """Go on as another program in this process: without the command line's libraries."""
    os.execv(  # noqa: S606 - no shell is wanted
        sys.executable, [sys.executable, "-P", "-m", module, str(config)]
    )


def check(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """Check a configuration file: every problem as file:line:column: path: message (exit 78)."""
    from agent.config.load import InvalidConfigError, load

    try:
        loaded = load(config)
    except InvalidConfigError as error:
        if not as_json:
            raise
        problems = [
            {"file": p.file, "line": p.line, "column": p.column, "path": p.path,
             "message": p.message}
            for p in error.problems
        ]  # fmt: skip
        show({"ok": False, "problems": problems}, "", as_json=True)
        raise typer.Exit(error.exit_code) from error
    node = loaded.config.node
    counts = {name: len(getattr(loaded.config, name)) for name in ("inputs", "outputs", "cameras")}
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    text = f"{config}: ok: {node.address.client_id}, {told}"
    show({"ok": True, "gate": node.address.client_id, **counts, "problems": []}, text,
         as_json=as_json)  # fmt: skip


def status(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """Show how the running agent does: link, outbox, inputs, issues."""
    from provisioning.status import status_text

    answer = ask_agent(config, "status")
    language = load_config(config).console.language
    show(answer, "" if as_json else status_text(answer, language), as_json=as_json)


def sim(
    config: ConfigOption,
    move: Annotated[Move, typer.Argument(help="What to do.")],
    name: Annotated[str, typer.Argument(help="The input, as the configuration names it.")],
    for_s: Annotated[
        float, typer.Option("--for", help="How long a press lasts, seconds.", metavar="S")
    ] = 0.5,
    as_json: JsonFlag = False,
) -> None:
    """Move a simulated input of a running agent (node.pin_factory: mock)."""
    answer = ask_agent(config, "sim", verb=move.value, name=name, for_s=for_s)
    show(answer, str(answer["did"]), as_json=as_json)


def reset(
    config: ConfigOption,
    name: Annotated[str | None, typer.Argument(help="One input; none: all latched alarms.")] = None,
    by: Annotated[str, typer.Option(help="Who resets.")] = "gate",
    safe_mode: Annotated[
        bool, typer.Option("--safe-mode", help="Leave safe mode: end, and start whole again.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Reset latched alarms and silence the siren, as the key switch does; or leave safe mode."""
    what = {"safe_mode": True} if safe_mode else {"name": name}
    answer = ask_agent(config, "reset", by=by, **what)
    show(answer, str(answer["did"]), as_json=as_json)
