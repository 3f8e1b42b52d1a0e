"""Arguments and options that several station commands take: one wording everywhere.

Not here: those of one command alone; printing and exit codes (``station.terminal``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from station.lang import Lang

LONGEST_NAME = 64
Dir = Annotated[Path, typer.Option("--dir", help="The station's folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Gate = Annotated[str, typer.Argument(help="SITE/NODE or STATION.SITE.NODE.")]
OneOfTwo = Annotated[str | None, typer.Option(help="SITE/NODE, where two gates use one id.")]
By = Annotated[str, typer.Option(help="Your role or badge, such as desk-3.")]
Reason = Annotated[str, typer.Option(help="Why; it is written down.")]
Exercise = Annotated[bool, typer.Option("--exercise", help="For a drill only.")]
Language = Annotated[Lang | None, typer.Option(help="Language; default: the terminal's.")]


def trimmed(option: str, text: str, longest: int = LONGEST_NAME) -> str:
    """*text* without space around it; BadParameter when nothing is left, or too much."""
    found = text.strip()
    if not 1 <= len(found) <= longest:
        raise typer.BadParameter(f"give 1 to {longest} characters", param_hint=option)
    return found
