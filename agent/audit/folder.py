"""The files of the audit log: ``audit-{first record}.jsonl``, oldest first, and ``head.json``.

Here: naming, reading, walking all of them. Not here: writing records (``agent.audit.trail``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agent.audit.chain import Chain, Verdict
from agent.audit.record import MAX_LINE, MacKey, Record
from agent.core.audit import Head
from agent.core.errors import StoreError
from agent.files.atomic import write_atomic
from contract.signing import strict_json

HEAD_NAME = "head.json"
_PREFIX, _SUFFIX = "audit-", ".jsonl"


@dataclass(frozen=True, slots=True)
class Kept:
    """What ``head.json`` remembers: the head, and the hash of the configuration in force."""

    head: Head
    config: str


def file_for(folder: Path, first: int) -> Path:
    """The file that begins with record *first*."""
    return folder / f"{_PREFIX}{first:012d}{_SUFFIX}"


def first_of(path: Path) -> int:
    """The number of the record that *path* begins with, by its name."""
    return int(path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX))


def files_of(folder: Path) -> list[Path]:
    """The log's files, oldest first; StoreError when the folder cannot be read."""
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.name.startswith(_PREFIX)
            and path.name.endswith(_SUFFIX)
            and path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX).isdigit()
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error}") from error
    return sorted(found, key=first_of)


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Lines of a file; an endless one comes in pieces, none of which is a record."""
    while line := file.readline(MAX_LINE):
        yield line


class Walk:
    """A walk over all files, one file at a time: the writer's thread does other things between."""

    def __init__(
        self, folder: Path, keys: Iterable[MacKey] | None, heads: Iterable[Head] = ()
    ) -> None:
        self._left = files_of(folder)
        self._chain = Chain(keys, heads)
        self._torn = 0

    def step(self) -> bool:
        """Walk one more file; False when there is none left. StoreError when it cannot be read."""
        if not self._left:
            return False
        list(self.records())
        return bool(self._left)

    def records(self) -> Iterator[Record]:
        """The records of the next file, each as it is checked."""
        path = self._left.pop(0)
        try:
            with path.open("rb") as file:
                for number, line in enumerate(lines_of(file), start=1):
                    if not self._left and not line.endswith(b"\n") and len(line) < MAX_LINE:
                        self._torn = len(line)
                        continue
                    named = first_of(path) if number == 1 else None
                    record = self._chain.feed(line, f"{path.name}:{number}", named)
                    if record is not None:
                        yield record
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error}") from error

    @property
    def done(self) -> bool:
        """True when every file is walked."""
        return not self._left

    def verdict(self) -> Verdict:
        """What was found."""
        return self._chain.verdict(self._torn)


def verify(folder: Path, keys: Iterable[MacKey] | None, heads: Iterable[Head] = ()) -> Verdict:
    """Walk the whole log. *heads* are those seen elsewhere, besides the one in ``head.json``."""
    kept = read_head(folder)
    walk = Walk(folder, keys, [*heads, *([kept.head] if kept else [])])
    while walk.step():
        pass
    return walk.verdict()


def read_head(folder: Path) -> Kept | None:
    """What ``head.json`` says; None when there is none or it says nothing usable."""
    try:
        value = strict_json((folder / HEAD_NAME).read_bytes(), MAX_LINE)
        return Kept(Head(int(value["n"]), str(value["hash"])), str(value["config"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_head(folder: Path, kept: Kept) -> None:
    """Remember the head, durably; OSError when the disk refuses."""
    body = {"n": kept.head.n, "hash": kept.head.hash, "config": kept.config}
    write_atomic(folder / HEAD_NAME, json.dumps(body).encode() + b"\n")
