"""``gatehouse init`` and ``gatehouse join``: the gate's identity, as an installer makes it.

Here: options, questions, printing. The steps are ``provisioning.joining``'s.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from provisioning.call import SYSTEM_CONFIG
from provisioning.output import JsonFlag, show

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The gate's configuration; it is completed, or made.",
        default_factory=lambda: Path(os.environ.get("GATEHOUSE_CONFIG") or SYSTEM_CONFIG),
        show_default="$GATEHOUSE_CONFIG or /etc/gatehouse/gate.yaml",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir", help="Where the identity lies; default: 'identity' in the gate's data folder."
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.command()(init)
    app.command()(join)


def init(
    config: ConfigFile,
    station: Annotated[str | None, typer.Option(help="The station's id.")] = None,
    site: Annotated[str | None, typer.Option(help="The site's id.")] = None,
    node: Annotated[str | None, typer.Option(help="This gate's id.")] = None,
    csr_to: Annotated[
        Path | None, typer.Option(help="Also put the request here, such as on a USB stick.")
    ] = None,
    folder: Folder = None,
    again: Annotated[
        bool, typer.Option("--again", help="A new key for a gate that has one.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make this gate's key and certificate request. The key never leaves the gate."""
    from contract.topics import Address
    from provisioning import joining

    named = {"station": station, "site": site, "node": node}
    known = joining.known_ids(config)
    ids = {key: value or known.get(key) or _asked(key, as_json) for key, value in named.items()}
    try:
        gate = Address(**ids)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    told = joining.init(joining.find_paths(config, folder), gate, csr_to, again=again)
    text = (
        f"{'Made' if told['made'] else 'There is already'} a key for {told['gate']}:\n"
        f"  {told['fingerprint']}\n"
        f"Its request: {told['request']}\n"
        "Next: gatehouse join TOKEN, with the token that the station gives you"
    )
    show(told, text, as_json=as_json)


def join(
    config: ConfigFile,
    token: Annotated[
        str | None, typer.Argument(help="What 'gatehouse station token' printed; - reads it.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with papers, such as a USB stick.")
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(help="What the station's screen shows as its authority, with --from."),
    ] = None,
    folder: Folder = None,
    as_json: JsonFlag = False,
) -> None:
    """Become a gate of the station: certificate, trusted keys and brokers, into the configuration.

    Over the network with a token, or with --from by the papers that 'station enrol' made.
    """
    from provisioning import joining

    if token is None and source is None:
        raise typer.BadParameter("give a token, or --from FOLDER")
    if token == "-":  # noqa: S105 - a dash, not a secret
        token = sys.stdin.readline()
    paths = joining.find_paths(config, folder)

    def compared(shown: str) -> str | None:
        if fingerprint is not None or as_json or not sys.stdin.isatty():
            return fingerprint
        print(f"The papers are of the authority\n  {shown}")
        return shown if typer.confirm("Does the station's screen show the same?") else None

    if source is not None:
        told = joining.join_from(paths, source, token, compared)
    else:
        told = joining.join(paths, token or "")
    show(told, joining.summary(told), as_json=as_json)


def _asked(name: str, as_json: bool) -> str:
    """Ask the installer; a program is told what is missing."""
    if as_json or not sys.stdin.isatty():
        raise typer.BadParameter(f"--{name} is missing")
    return str(typer.prompt(f"Id of the {name} (a-z, 0-9, -)"))
