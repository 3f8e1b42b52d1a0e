"""Every state machine as a picture: ``python -m supply.states docs/states.md``.

A machine is a module with a table ``TRANSITIONS``, from state and signal to state; the code moves
by that table and by nothing else. What stands between a few flags and times, or in containers, has
no table: there the head of the module has the picture, a line for each move, and it is shown as it
is. Here: finding both and drawing them. A test holds the committed page against what is made here.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "devices", "models", "rules", "station")
_TABLE = re.compile(r"^TRANSITIONS\b", re.MULTILINE)
_MOVE = re.compile(r"^ {4}.*--.*-->", re.MULTILINE)
FLAGS = """\
# Without a table

Here a state is no more than that a case exists, and one flag or time of it, or where an entry lies;
often several of them side by side. A table would only repeat the few lines that set them, and has
nothing to forbid. What happens stands in the head of each module, move by move, with what is told;
the tests named after the module go through it. (`agent.incidents.post` moves by the table of
`agent.incidents.challenge`, and `calls` and `assist` take answers by that of `reply`.)
"""
HEAD = """\
# State machines

Made from the code with `make docs`; a test holds this page against it. The tables drawn here are
the ones that the code moves by (`TRANSITIONS` in each module): what is not drawn cannot happen, and
a move that is asked for all the same raises. A state without a name (`[*]`) is "not judged yet".
"""


def page() -> str:
    """The whole page, Markdown."""
    tables = [_section(name) for name in machines()]
    return "\n".join([HEAD, *tables, FLAGS, *map(_told, without_table())])


def without_table() -> Iterator[Path]:
    """The modules whose head tells their moves, and that have no table."""
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if _MOVE.search(ast.get_docstring(ast.parse(text)) or "") and not _TABLE.search(text):
                yield path


def _told(path: Path) -> str:
    head = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    about, _, rest = head.partition("\n\n")
    picture = rest.partition("::\n\n")[2]
    moves = re.match(r"(?: {4}.*\n|\n(?= {4}))+", picture + "\n")
    drawn = moves.group(0) if moves else ""
    lines = [line.removeprefix("    ") for line in drawn.rstrip().splitlines()]
    fenced = ["```text", *lines, "```", ""]
    return "\n".join([f"## `{_name(path)}`", "", " ".join(about.split()), "", *fenced])


def _name(path: Path) -> str:
    return ".".join(path.relative_to(REPO).with_suffix("").parts)


def machines() -> Iterator[str]:
    """The modules that have a table, by name."""
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*.py")):
            if _TABLE.search(path.read_text(encoding="utf-8")):
                yield _name(path)


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
