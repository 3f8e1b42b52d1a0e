"""What stands in the pages that people read: blocks of code, and words set as code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/guide/*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; *line* is that of its first line in the page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    """A page's path below the project."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start(2)) + 1
        yield Block(page, line, found[1], found[2])


def spans(page: Path) -> Iterator[Block]:
    """What is set as code within a sentence; a line break within it counts as a space."""
    text = page.read_text(encoding="utf-8")
    prose = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
    for found in _SPAN.finditer(prose):
        line = prose.count("\n", 0, found.start()) + 1
        yield Block(page, line, "", " ".join(found[1].split()))
