"""``gatehouse units``: the systemd units and the users and folders they need."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from agent.core.errors import CheckFailedError
from provisioning.bytecode import precompile
from provisioning.output import JsonFlag, show

_PLACES = {
    ".service": "/etc/systemd/system",
    ".slice": "/etc/systemd/system",
    "-sysusers.conf": "/etc/sysusers.d",
    "-tmpfiles.conf": "/etc/tmpfiles.d",
}


def units(
    root: Annotated[
        Path | None,
        typer.Option("--install", help="Write them below this root ('/' for this machine)."),
    ] = None,
    python: Annotated[
        Path | None, typer.Option(help="The interpreter of the installation; default: this one.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List or install the systemd units, sysusers and tmpfiles entries."""
    program = python or Path(sys.executable)
    placed = {name: _place(name) for name in _texts(program)}
    if root is None:
        lines = [f"{name} -> {place}" for name, place in placed.items()]
        text = "\n".join([*lines, "Install them with: gatehouse units --install /"])
        show({"python": str(program), "units": placed}, text, as_json=as_json)
        return
    written = []
    for name, text in _texts(program).items():
        target = root / placed[name].lstrip("/") / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CheckFailedError(f"{target} cannot be written: {error}. Are you root?") from error
        written.append(str(target))
    compiled, refused = precompile(program)
    steps = (
        "systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload && "
        "systemctl enable --now gatehouse gatehouse-vision"
    )
    done = f"compiled {compiled} modules of the core" + f", {refused} could not be" * bool(refused)
    text = "\n".join([*(f"wrote {path}" for path in written), done, f"Then: {steps}"])
    told = {"written": written, "compiled": compiled, "not_compiled": refused, "then": steps}
    show(told, text, as_json=as_json)


def _texts(program: Path) -> dict[str, str]:
    found = {}
    for item in files("provisioning.units").iterdir():
        if item.name.endswith(tuple(_PLACES)):
            text = item.read_text(encoding="utf-8")
            found[item.name] = text.replace("/opt/gatehouse/bin/python", str(program))
    return dict(sorted(found.items()))


def _place(name: str) -> str:
    return next(place for ending, place in _PLACES.items() if name.endswith(ending))
