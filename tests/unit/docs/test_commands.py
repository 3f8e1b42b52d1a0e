"""Every command line in the pages is one that ``gatehouse`` takes: words, options and values.

A line in a block has to be whole. A command named within a sentence may leave out what it needs.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer
from typer.main import get_command

from provisioning.cli import app
from tests.support.pages import PAGES, ROOT, Block, blocks, name_of, spans

GATEHOUSE = get_command(app)
WRONG_USE: Any = typer.BadParameter.__mro__[1]
LACKING = ("MissingParameter", "BadOptionUsage")
PROMPT = re.compile(r"^(?:\w*[$] +)?(?:sudo +)?(?:/opt/gatehouse/bin/|\.venv/bin/)?gatehouse +")
NAMED = re.compile(r"^(?:gatehouse +|(?=(?:station|guard|rules) [a-z|]+(?: |$)))")
ANY_OF = re.compile(r"^[a-z]+(?:\|[a-z]+)+$")
FOLDERS = ("DIR",)
HERE = str(ROOT)
PLACEHOLDER = re.compile(r"^[A-Z]+$")


def parse(words: Sequence[str]) -> None:
    """Have the real parser read *words*; it raises what a person would be told."""
    name, command, rest, above = "gatehouse", GATEHOUSE, list(words), None
    while rest and rest != ["--help"] and hasattr(command, "resolve_command"):
        group: Any = command
        above = group.make_context(name, rest, parent=above)
        name, command, rest = group.resolve_command(above, [*above._protected_args, *above.args])
    if not hasattr(command, "resolve_command") and rest != ["--help"]:
        command.make_context(name, rest, parent=above)


def ways_to_read(text: str) -> Iterator[list[str]]:
    """The command lines that *text* stands for: ``seen|coming`` is two, ``[ID]`` may be there."""
    said = re.split(r"\.\.\.| < ", text)[0]
    words = shlex.split(re.sub(r"\[(.*?)\]", r"\1", said), comments=True)
    choices = [word.split("|") if ANY_OF.match(word) else [word] for word in words]
    yield from (list(chosen) for chosen in itertools.product(*choices))


def shown(block: Block) -> Iterator[Block]:
    """The command lines of a block."""
    line = block.line
    for whole in re.split(r"(?<!\\)\n", block.text):
        joined = whole.replace("\\\n", " ")
        if PROMPT.match(joined):
            yield Block(block.page, line, "sh", PROMPT.sub("", joined))
        line += whole.count("\n") + 1


LINES = [line for page in PAGES for block in blocks(page) for line in shown(block)]
MENTIONS = [
    Block(span.page, span.line, "", NAMED.sub("", span.text))
    for page in PAGES
    for span in spans(page)
    if NAMED.match(span.text)
]


def test_there_are_lines_to_look_at() -> None:
    assert len(LINES) > 40
    assert len(MENTIONS) > 60
    assert {"README.md", "README.zh-CN.md"} <= {name_of(line.page) for line in LINES}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.place)
def test_a_line_in_a_block_is_taken(line: Block) -> None:
    for words in ways_to_read(line.text):
        parse([HERE if word in FOLDERS else word for word in words])


def _stand_in(word: str) -> str:
    if word in FOLDERS:
        return HERE
    return "5" if PLACEHOLDER.match(word) else word


@pytest.mark.parametrize("mention", MENTIONS, ids=lambda mention: mention.place)
def test_a_command_that_is_named_is_there(mention: Block) -> None:
    for words in ways_to_read(mention.text):
        try:
            parse([_stand_in(word) for word in words])
        except WRONG_USE as error:
            if type(error).__name__ not in LACKING:
                raise
