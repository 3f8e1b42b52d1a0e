"""Every state machine as a picture: ``python -m supply.states docs/states.md``.

A machine is a module with a table ``TRANSITIONS``, from state and signal to state; the code moves
by that table and by nothing else. Here: finding the tables and drawing them. A test holds the
committed page against what is made here.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "devices", "models", "rules", "station")
_TABLE = re.compile(r"^TRANSITIONS\b", re.MULTILINE)
HEAD = """\
# State machines

Made from the code with `make docs`; a test holds this page against it. The tables drawn here are
the ones that the code moves by (`TRANSITIONS` in each module): what is not drawn cannot happen, and
a move that is asked for all the same raises. A state without a name (`[*]`) is "not judged yet".
"""


def page() -> str:
    """The whole page, Markdown."""
    return "\n".join([HEAD, *(_section(name) for name in machines())])


def machines() -> Iterator[str]:
    """The modules that have a table, by name."""
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*.py")):
            if _TABLE.search(path.read_text(encoding="utf-8")):
                yield ".".join(path.relative_to(REPO).with_suffix("").parts)


def _section(name: str) -> str:
    module = importlib.import_module(name)
    about = (module.__doc__ or "").partition("\n\n")[0]
    lines = [f"## `{name}`", "", " ".join(about.split()), "", "```mermaid", "stateDiagram-v2"]
    lines += _drawn(module.TRANSITIONS)
    return "\n".join([*lines, "```", ""])


def _drawn(table: Mapping[tuple[Any, Any], Any]) -> Iterator[str]:
    states = dict.fromkeys(
        state for (before, _), after in table.items() for state in (before, after)
    )
    for state in states:
        if state is not None and _id(state) != str(state):
            yield f'    state "{state}" as {_id(state)}'
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, signal), after in table.items():
        arrows.setdefault((_id(before), _id(after)), []).append(str(signal))
    for (before, after), signals in arrows.items():
        yield f"    {before} --> {after} : {', '.join(signals)}"


def _id(state: object) -> str:
    return "[*]" if state is None else re.sub(r"\W", "_", str(state))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
