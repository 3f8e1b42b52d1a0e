"""The command ``gatehouse``: what a person types (CONTRACT 6).

Here: the tree of commands and the way errors become exit codes. Each command lives in a module of
its own and loads what it needs when it runs.
"""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from agent.core.errors import GatehouseError
from agent.runtime.dumps import forbid_dumps
from provisioning import (
    audit,
    faces,
    gate,
    guard,
    join,
    keys,
    liveness,
    models,
    report,
    residents,
    rules,
    watchlist,
)
from provisioning.bundle import bundle
from provisioning.demo_command import demo
from provisioning.install_units import units
from provisioning.output import show_error
from provisioning.try_liveness import try_liveness
from station.cli import app as station_app

app = typer.Typer(
    name="gatehouse",
    help="Edge agent for the gate of a compound, school or hospital.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from agent.runtime.version import VERSION

        print(VERSION)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Edge agent for the gate of a compound, school or hospital."""


join.register(app)
gate.register(app)
app.command()(demo)
app.command()(units)
app.command()(bundle)
app.add_typer(audit.app, name="audit")
app.add_typer(faces.app, name="faces")
app.add_typer(guard.app, name="guard")
app.add_typer(keys.app, name="keys")
models.app.command("evaluate-liveness")(liveness.evaluate_liveness)
models.app.command("try-liveness")(try_liveness)
app.add_typer(models.app, name="models")
app.add_typer(report.app, name="report")
app.add_typer(residents.app, name="resident")
app.add_typer(rules.app, name="rules")
app.add_typer(station_app, name="station")
app.add_typer(watchlist.app, name="watchlist")


def main() -> None:
    """Entry point: runs the command line, exits with the code of what went wrong."""
    forbid_dumps()
    try:
        app()
    except GatehouseError as error:
        sys.exit(show_error(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last resort, told whole
        traceback.print_exception(error)
        print(
            "this is a fault of gatehouse; please report it with the lines above", file=sys.stderr
        )
        sys.exit(70)
