"""How every ``gatehouse`` command speaks: text for people, one JSON value for ``--json``.

Errors go to standard error (with ``--json`` as ``{"error", "exit_code"}`` to standard output) and
end with the exit code of their class (CONTRACT 6). Colours come from rich, which keeps NO_COLOR.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from agent.core.errors import GatehouseError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def show(value: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print *value* as JSON or *text*."""
    print(json.dumps(value, ensure_ascii=False) if as_json else text, flush=True)


def show_error(error: GatehouseError) -> int:
    """Print *error* in the form that the command line asked for; returns its exit code."""
    if "--json" in sys.argv:
        body = {"error": str(error), "exit_code": error.exit_code}
        print(json.dumps(body, ensure_ascii=False), flush=True)
    else:
        print(str(error), file=sys.stderr, flush=True)
    return error.exit_code
