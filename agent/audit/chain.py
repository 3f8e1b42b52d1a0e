"""Walking the chain of the audit log: what is broken in it, and where first. Pure: lines in.

Found are: a line that is no record, a record whose hash or mac is not its own, one that does not
follow the one before (cut out, moved, added), one that nobody here vouches for, and a log that
lacks a head which was seen elsewhere (cut off at the end, or made anew).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.audit.record import FIRST_PREV, MacKey, Record, hash_of, mac_of, read_line
from agent.core.audit import AuditKind, Head

START = Head(0, FIRST_PREV)
BREAKS_KEPT = 100
FORGOTTEN_TO = "forgotten_to"
FORGOTTEN_HASH = "forgotten_hash"


class GapWhy(StrEnum):
    """Why a gap marker stands in the log."""

    TORN = "torn"
    LOST = "lost"
    BROKEN = "broken"
    CUT = "cut"


GRAVE = frozenset({GapWhy.BROKEN, GapWhy.CUT})


@dataclass(frozen=True, slots=True)
class Break:
    """The chain does not hold at record ``n``; ``place`` is ``file:line``, or empty."""

    n: int
    place: str
    why: str

    def __str__(self) -> str:
        return f"record {self.n}: {self.why}" + (f" ({self.place})" if self.place else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk found. ``vouched``: macs were checked, ``torn`` bytes end the newest file."""

    records: int
    first: int
    head: Head
    breaks: Sequence[Break]
    gaps: Sequence[Record]
    vouched: bool
    torn: int = 0

    @property
    def ok(self) -> bool:
        """True when nothing was changed, cut out, cut off, added or moved, as far as is known."""
        return not self.breaks and not any(gap.what.get("why") in GRAVE for gap in self.gaps)

    @property
    def new(self) -> Sequence[Break]:
        """Breaks that no gap marker names yet."""
        named = {int(n) for gap in self.gaps for n in _numbers(gap)}
        return [found for found in self.breaks if found.n not in named]


def _numbers(gap: Record) -> list[str]:
    named = gap.what.get("records")
    return [n for n in named.split(",") if n.isdecimal()] if isinstance(named, str) else []


class Chain:
    """One walk from the first line to the last."""

    def __init__(self, keys: Iterable[MacKey] | None, heads: Iterable[Head] = ()) -> None:
        """*keys*: who may vouch (None: macs are not checked); *heads*: seen elsewhere."""
        self._keys: Mapping[str, MacKey] | None = None if keys is None else {k.id: k for k in keys}
        self._heads: dict[int, set[str]] = {}
        for head in heads:
            self._heads.setdefault(head.n, set()).add(head.hash)
        self._last = START
        self._begun: Record | None = None
        self._forgotten: set[Head] = set()
        self._records = 0
        self._breaks: list[Break] = []
        self._gaps: list[Record] = []
        self._unvouched = False

    def feed(self, line: bytes, place: str = "", named: int | None = None) -> Record | None:
        """The next line of the log; its record, or None when it is none.

        *named* is the number that the file's name promises for this line, at a file's beginning.
        """
        expected = self._last.n + 1
        try:
            record = read_line(line)
        except ValueError as error:
            self._broken(expected, place, f"{error}")
            return None
        self._records += 1
        sound = self._check(record, place, named)
        self._last = Head(record.n, record.hash)
        if record.kind is AuditKind.GAP:
            self._gaps.append(record)
        to = record.what.get(FORGOTTEN_TO)
        if sound and record.kind is AuditKind.DELETION and isinstance(to, int):
            self._forgotten.add(Head(to, str(record.what.get(FORGOTTEN_HASH))))
        return record

    def verdict(self, torn: int = 0) -> Verdict:
        """What was found, once every line is fed."""
        breaks = list(self._breaks)
        first = self._begun
        if first is not None and first.n != 1:
            before = Head(first.n - 1, first.prev)
            if before not in self._forgotten:
                breaks.insert(0, Break(1, "", f"the log begins with record {first.n}"))
        missing = [n for n in self._heads if n > self._last.n]
        if missing:
            why = f"the log ends here, but record {max(missing)} was seen elsewhere"
            breaks.append(Break(self._last.n + 1, "", why))
        breaks.sort(key=lambda found: found.n)
        return Verdict(
            records=self._records,
            first=first.n if first else 1,
            head=self._last,
            breaks=breaks,
            gaps=self._gaps,
            vouched=self._keys is not None,
            torn=torn,
        )

    def _check(self, record: Record, place: str, named: int | None) -> bool:
        before = len(self._breaks)
        if self._begun is None:
            self._begun = record
            follows = record.n > 1 or (record.n == 1 and record.prev == FIRST_PREV)
            expected = record.n
        else:
            expected = self._last.n + 1
            follows = record.n == expected and record.prev == self._last.hash
        if hash_of(record) != record.hash:
            self._broken(expected, place, "was altered: its hash is not its own")
        elif not follows:
            at = "does not follow" if record.n == expected else f"is missing; {record.n} follows"
            self._broken(expected, place, f"{at} record {self._last.n}")
        elif named is not None and named != record.n:
            self._broken(expected, place, f"stands in a file named for record {named}")
        elif record.hash not in self._heads.get(record.n, {record.hash}):
            self._broken(record.n, place, "is not the record that was seen elsewhere")
        self._vouch(record, place)
        return len(self._breaks) == before

    def _vouch(self, record: Record, place: str) -> None:
        if self._keys is None:
            return
        key = self._keys.get(record.key)
        if key is None:
            if not self._unvouched:
                who = f"key {record.key} is not here" if record.key else "it has no mac"
                self._broken(record.n, place, f"nobody vouches for it: {who}")
            self._unvouched = True
            return
        self._unvouched = False
        if mac_of(record.hash, key) != record.mac:
            self._broken(record.n, place, "was not written by this gate: its mac is wrong")

    def _broken(self, number: int, place: str, why: str) -> None:
        if len(self._breaks) < BREAKS_KEPT:
            self._breaks.append(Break(number, place, why))
