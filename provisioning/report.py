"""``gatehouse report``: what this gate counts about itself."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioning.call import ConfigOption, ask_agent, load_config
from provisioning.output import JsonFlag, show

app = typer.Typer(help="Figures of this gate. 统计报告", no_args_is_help=True)
Month = Annotated[
    str, typer.Argument(help="As in 2026-10; none: the one that goes on. 月份", metavar="YYYY-MM")
]


@app.callback()
def options() -> None:
    """Figures of this gate. 统计报告."""


@app.command()
def month(config: ConfigOption, which: Month = "", as_json: JsonFlag = False) -> None:
    """月报: Availability, alarms, acks, drills, leads, absences and false alarms of a month."""
    from station.lang import Lang
    from station.reports import text_of

    report = ask_agent(config, "report.month", month=which)["report"]
    language = load_config(config).console.language
    show(report, text_of(report, Lang(language)), as_json=as_json)
