"""``gatehouse keys``: the keys that seal what this gate keeps on its disk."""

from __future__ import annotations

import typer

from provisioning.call import ConfigOption, ask_agent
from provisioning.output import JsonFlag, show

app = typer.Typer(help="The keys that seal the gate's data.", no_args_is_help=True)


@app.command(name="show")
def show_(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """Which key seals, what protects it, and whether a rotation goes on."""
    answer = ask_agent(config, "keys.show")
    how = "a credential of the service manager" if answer["credential"] else "its file's mode only"
    lines = [f"key {answer['key']} seals; it is protected by {how}"]
    lines += [f"older key {key} still opens" for key in answer["older"]]
    lines += [f"not sealed anew yet: {store}" for store in answer["pending"]]
    lines += [f"cannot be opened: {name}" for name in answer["unopened"]]
    show(answer, "\n".join(lines), as_json=as_json)


@app.command()
def rotate(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """Make a new key, seal everything anew with it, then destroy the old one.

    The running agent does it; when it is stopped halfway it goes on at its next start.
    """
    answer = ask_agent(config, "keys.rotate")
    waits = ", ".join(answer["pending"])
    state = f"being sealed anew: {waits}" if waits else "everything is sealed anew"
    show(answer, f"key {answer['key']} seals from now on; {state}", as_json=as_json)
