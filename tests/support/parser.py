"""What a test of a parser has to know of it. The parsers themselves: ``tests.support.parsers``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Read = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Parser:
    """What reads bytes from outside, good examples of them, and the errors that refuse bad ones.

    ``seeds`` are read without a refusal.
    """

    name: str
    read: Read
    seeds: Sequence[bytes]
    refuses: tuple[type[Exception], ...] = ()

    def feed(self, data: bytes) -> None:
        """Read *data*; whatever is raised and is no refusal comes through."""
        try:
            self.read(data)
        except self.refuses:
            return


def of_file(name: str, read: Callable[[Path], object]) -> Read:
    """Reads bytes that lie in a file of that name, in a folder of its own."""

    def through_a_file(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o600)
            return read(path)

    return through_a_file


def text_of(data: bytes) -> str:
    """As Python hands over what a person typed: bytes that are no UTF-8 become surrogates."""
    return data.decode("utf-8", "surrogateescape")
