"""``gatehouse demo``: a whole site on this machine, with a script."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from agent.core.errors import CheckFailedError
from provisioning.demo.broker import BrokerKind
from provisioning.output import JsonFlag

NEEDED = ("av", "cv2", "onnx", "onnxruntime", "jsonschema")


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the script.")] = False,
    as_json: JsonFlag = False,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where everything is made.", show_default=False)
    ] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh; default: the terminal's.")] = None,
    broker: Annotated[
        BrokerKind | None,
        typer.Option(help="Default: mosquitto where it is installed.", show_default=False),
    ] = None,
) -> None:
    """A whole site on this machine: broker, station, agent, vision, a script and its judgement.

    --once ends after the script: exit 0 only if every expected alert, and no other, was stored and
    acknowledged. Without it everything goes on until Ctrl-C.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise CheckFailedError(
            f"the demo needs {', '.join(missing)}: use 'make demo', or"
            " pip install 'gatehouse[vision,convert,demo]'"
        )
    from provisioning.demo.play import play_demo
    from station.lang import Lang

    home = Path(os.environ.get("GATEHOUSE_HOME") or ".gatehouse")
    place = (folder or home / "demo").absolute()
    models = (folder or home).absolute() / "models"
    language = Lang(lang) if lang else None
    if not play_demo(place, models, language, broker, once=once, as_json=as_json):
        raise typer.Exit(1)
