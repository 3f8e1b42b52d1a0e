"""``gatehouse faces``: the way to end face work by hand, at the gate."""

from __future__ import annotations

import typer

from provisioning.call import ConfigOption, ask_agent
from provisioning.output import JsonFlag, show

app = typer.Typer(help="Comparing faces at this gate. 人脸比对", no_args_is_help=True)


@app.callback()
def faces() -> None:
    """Comparing faces at this gate."""


@app.command()
def off(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """关闭人脸比对: End all face work now. Doors and buttons stay as they are.

    It holds over restarts. Only the station resumes it, by its signed command.
    """
    answer = ask_agent(config, "faces.off")
    show(answer, "no face is looked for any more 人脸比对已关闭", as_json=as_json)
