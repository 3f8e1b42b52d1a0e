"""How often the core died lately, and what its next start leaves out for it.

A start counts until it proves itself: by running for a while or by
ending in order (:meth:`CrashCount.proved`). Only starts of the same boot count, so that a mains
supply that comes and goes is no crash loop.

::

    NORMAL --five starts without proof-->                        SAFE  no cameras, watchlist, rules
    SAFE   --dies twice before it is up-->                       BARE  panic and doors only, on the
                                                                       configuration that ran last
    BARE   --dies twice before it is up, or SAFE twice before its outbox is open-->
                                                                 the same with nothing of the data
                                                                 folder: outbox in memory
    SAFE, BARE --ran for a while, or a person says so-->         NORMAL, one crash from SAFE

Here: the count, durable in one small file, and the decision. Not here: what is left out
(``agent.config.reduced``, ``agent.stores``). A file that cannot be read counts as none, one that
cannot be written changes nothing: the counter itself must never be what stops a gate.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from agent.files.atomic import write_atomic

log = logging.getLogger(__name__)

SAFE_AFTER = 5
DEATHS_BEFORE_MORE = 2
LAST_WORDS = 300
MAX_BYTES = 4096


class Level(IntEnum):
    """How much of the core is started."""

    NORMAL = 0
    SAFE = 1
    BARE = 2


@dataclass(frozen=True, slots=True)
class Record:
    """What stands in the file.

    ``unproven`` starts since the last proof; of these, in safe mode and in a row, ``unborn`` that
    were never up and ``at_outbox`` that died opening it. ``error`` is what the last one said.
    """

    boot_id: str
    unproven: int = 0
    unborn: int = 0
    at_outbox: int = 0
    error: str = ""

    @property
    def enough(self) -> int:
        """How many unborn ones it took to leave out what is left out now."""
        steps = self.unborn // DEATHS_BEFORE_MORE
        return min(steps, 2) * DEATHS_BEFORE_MORE

    @property
    def without_folder(self) -> bool:
        """Whether the next start leaves the data folder alone."""
        return self.at_outbox >= DEATHS_BEFORE_MORE or self.unborn >= 2 * DEATHS_BEFORE_MORE

    @property
    def level(self) -> Level:
        """What the next start is."""
        if self.unproven < SAFE_AFTER:
            return Level.NORMAL
        return Level.BARE if self.unborn >= DEATHS_BEFORE_MORE else Level.SAFE


@dataclass(frozen=True, slots=True)
class Start:
    """This start, for those who leave something out: nothing is by default.

    ``outbox_in_memory``: and no other file of the data folder is opened either. ``outbox_open`` is
    called once the outbox is; ``leave`` ends a reduced life for a normal one.
    """

    level: Level = Level.NORMAL
    failed: int = 0
    error: str = ""
    outbox_in_memory: bool = False
    outbox_open: Callable[[], None] = lambda: None
    leave: Callable[[], None] = lambda: None


NORMAL_START = Start()


class CrashCount:
    """One per process: ``begin`` first, then ``born``, then ``proved``."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path = path
        self._before = self._record = _read(path, boot_id)

    def begin(self, leave: Callable[[], None]) -> Start:
        """One more start; written down before anything that may crash is done."""
        before = self._before
        reduced = before.level is not Level.NORMAL
        self._write(
            dataclasses.replace(
                before,
                unproven=before.unproven + 1,
                unborn=before.unborn + reduced,
                at_outbox=before.at_outbox + reduced,
            )
        )
        return Start(
            before.level,
            before.unproven,
            before.error,
            before.without_folder,
            self._outbox_open,
            leave,
        )

    def born(self) -> None:
        """The start is through. What helped it to be is not given up before it has proved itself.

        Writes only where that changes something.
        """
        if self._before.level is not Level.NORMAL:
            self._write(dataclasses.replace(self._record, unborn=self._before.enough))

    def failed(self, error: BaseException) -> None:
        """This life ended with *error*."""
        words = f"{type(error).__name__}: {error}"[:LAST_WORDS]
        self._write(dataclasses.replace(self._record, error=words))

    def undo(self) -> None:
        """This was no start: another process runs in this folder."""
        self._write(self._before)

    def proved(self) -> None:
        """It ran for a while, or ended in order. After a reduced life one more crash is enough."""
        unproven = 0 if self._before.level is Level.NORMAL else SAFE_AFTER - 1
        self._write(Record(self._record.boot_id, unproven, error=self._record.error))

    def _outbox_open(self) -> None:
        if self._record.at_outbox and not self._before.without_folder:
            self._write(dataclasses.replace(self._record, at_outbox=0))

    def _write(self, record: Record) -> None:
        self._record = record
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps(dataclasses.asdict(record)).encode())
        except OSError as error:
            log.warning("crashes cannot be counted: %s: %s", self._path, error)


def _read(path: Path, boot_id: str) -> Record:
    """What the file says of this boot; a new record when it says nothing that can be used."""
    try:
        value = json.loads(path.read_bytes()[:MAX_BYTES])
        if value["boot_id"] == boot_id:
            unproven, unborn = _count(value["unproven"]), _count(value["unborn"])
            at_outbox, error = _count(value["at_outbox"]), str(value["error"])[:LAST_WORDS]
            return Record(boot_id, unproven, unborn, at_outbox, error)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Record(boot_id)


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise ValueError(f"{value!r} is no count")
    return value
