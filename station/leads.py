"""Leads at the station: what waits for a person, and the words of two persons on each.

A lead is confirmed by two different persons, or rejected by one; each word is stored before
anything is sent. The gate is told by a signed ``lead.verdict`` that carries every word so far, so
that a lost one costs nothing. Here: the decisions and the queue. Not here: options and printing
(``station.lead_cli``), the table (``station.verdicts``).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.clock import format_utc
from agent.core.errors import CheckFailedError
from agent.files.atomic import write_atomic
from contract.routes import route
from contract.words import FACE_LEADS, CommandName, Stage, Status
from station import commands, keys, pictures, verdicts
from station.desk import Desk, Found
from station.going import expired_leads
from station.standing import PERSONS, WAITING, Standing, Word, standing_of
from station.tables import LEAD_KINDS, empty_log
from station.values import gate_name
from station.verdicts import Verdict

LISTED = 200
_STAGES = {
    Standing.FIRST: Stage.SEEN,
    Standing.CONFIRMED: Stage.HANDLING,
    Standing.REJECTED: Stage.CLOSED,
}
Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class Decided:
    """A lead, where it stands, and everything said of it."""

    found: Found
    exercise: bool
    standing: Standing
    said: tuple[Verdict, ...]

    @property
    def args(self) -> dict[str, Any]:
        """Of the command that tells the gate."""
        word = Word.REJECT if self.standing is Standing.REJECTED else Word.CONFIRM
        rows = [v for v in self.said if v.verdict == word]
        decisions = [{"by": v.by, "reason": v.reason, "at": format_utc(v.at_ns)} for v in rows]
        return {"alert_id": self.found.id, "verdict": word.value, "decisions": decisions}


class LeadDesk(Desk):
    """The desk of those who decide on leads."""

    def decide(self, prefix: str, word: Word, by: str, reason: str, gate: str | None) -> Decided:
        """Write down *by*'s word on a lead; CheckFailedError when it is none that counts."""
        with self._writing():
            found = self._lead(prefix, gate)
            before = verdicts.of_lead(self._db, found.source, found.id)
            _check(found, before, word, by)
            said = Verdict(found.source, found.id, word.value, by, reason, self._now_ns())
            verdicts.add(self._db, said)
            if word is Word.REJECT:
                pictures.destroy(self._db, found.source, found.id)
        if word is Word.REJECT:
            empty_log(self._db)  # while somebody reads it, 'serve' does so within seconds
        return _decided(found, [*before, said])

    def stands(self, prefix: str, gate: str | None) -> Decided:
        """Where a lead stands; CheckFailedError when nobody said anything of it."""
        with self._writing():
            found = self._lead(prefix, gate)
            decided = _decided(found, verdicts.of_lead(self._db, found.source, found.id))
        if not decided.said:
            raise CheckFailedError(f"nobody decided on {found.id} yet: confirm or reject it")
        return decided

    def show(self, decided: Decided, by: str) -> None:
        """Ack the lead as far as its verdicts go; a stage that is further stays."""
        stage = _STAGES[decided.standing]
        with self._writing():
            found = self._find(decided.found.id, None)
            if stage.rank > found.stage.rank:
                self._ack(found, stage, by)

    def picture(self, prefix: str, by: str, gate: str | None) -> tuple[Found, bytes]:
        """A lead's picture, for *by*, which is written down; CheckFailedError when none is here."""
        with self._writing():
            found = self._lead(prefix, gate)
            jpeg = pictures.of_lead(self._db, found.source, found.id)
            if jpeg is None:
                raise CheckFailedError(f"no picture of {found.id} is here: {self._why(found)}")
            pictures.exported(self._db, found.source, found.id, jpeg, by, self._now_ns())
            return found, jpeg

    def _why(self, found: Found) -> str:
        query = "SELECT 0, body FROM messages WHERE source=? AND id=?"
        body: Any = self._read(query, (found.source, found.id))[0][1]
        rejected = pictures.rejected(self._db, found.source, found.id)
        return picture_word(json.loads(bytes(body)), here=False, rejected=rejected)

    def leads(self, *, everything: bool) -> list[Result]:
        """Leads, newest first: those that wait for a person, or *everything*."""
        query = (
            f"SELECT source, id, topic, stage, by, kind, happened_ns, body, {pictures.HERE}"  # noqa: S608 - ours
            " FROM messages"
            f" WHERE channel='alert' AND kind IN ({LEAD_KINDS}) ORDER BY n DESC LIMIT {LISTED}"
        )
        told = []
        rows = self._read(query, ())
        expired = expired_leads(self._db)
        for source, alert_id, topic, stage, by, kind, happened_ns, body, here in rows:
            found = Found(source, alert_id, topic, Stage(stage), by)
            decided = _decided(
                found,
                verdicts.of_lead(self._db, source, alert_id),
                closed=found.stage is Stage.CLOSED,
                expired=(source, alert_id) in expired,
            )
            if decided.standing in WAITING or everything:
                alert = json.loads(bytes(body))
                gone = decided.standing is Standing.REJECTED
                picture = picture_word(alert, here=bool(here), rejected=gone)
                row = _row(decided, kind, happened_ns, alert)
                told.append({**row, "picture": picture})
        return told

    def record_break(self) -> int | None:
        """The first verdict that is not what was written."""
        return verdicts.first_break(self._db)

    def _lead(self, prefix: str, gate: str | None) -> Found:
        found = self._find(prefix, gate)
        query = "SELECT kind FROM messages WHERE source=? AND id=?"
        kind = self._read(query, (found.source, found.id))[0][0]
        if kind not in FACE_LEADS:
            raise CheckFailedError(f"{found.id} is no lead but {kind}")
        return found


@dataclass(frozen=True, slots=True)
class Saying:
    """What a person says of a lead."""

    word: Word
    by: str
    reason: str


def decide(
    folder: Path, prefix: str, saying: Saying | None, *, gate: str | None, wait_s: float
) -> Result:
    """Store what a person says and tell the gate; *saying* None: tell it again what stands.

    UnreachableError when the gate did not answer: what was said is stored all the same.
    """
    made = keys.open_station(folder)
    desk = LeadDesk(made.database, time.time_ns)
    try:
        if saying is None:
            decided = desk.stands(prefix, gate)
        else:
            decided = desk.decide(prefix, saying.word, saying.by, saying.reason, gate)
        place = gate_name(decided.found.source)
        try:
            answer = commands.send(
                folder,
                place,
                CommandName.LEAD_VERDICT,
                decided.args,
                exercise=decided.exercise,
                wait_s=wait_s,
            )
        finally:
            desk.show(decided, decided.said[-1].by)
    finally:
        desk.close()
    persons = [v.by for v in decided.said]
    return {
        "alert_id": decided.found.id,
        "standing": decided.standing.value,
        "by": persons,
        **answer,
    }


def listing(folder: Path, *, everything: bool) -> Result:
    """Leads and their verdicts; ``record`` tells whether the verdicts are as they were written."""
    desk = LeadDesk(keys.open_station(folder).database, time.time_ns)
    try:
        broken = desk.record_break()
        record = "intact" if broken is None else f"altered from number {broken} on"
        return {"leads": desk.leads(everything=everything), "record": record}
    finally:
        desk.close()


def export(folder: Path, prefix: str, out: Path, by: str, *, gate: str | None) -> Result:
    """Write a lead's picture into the new file *out*, for its owner alone, and who took it."""
    desk = LeadDesk(keys.open_station(folder).database, time.time_ns)
    try:
        if out.exists():
            raise CheckFailedError(f"{out} is there already")
        found, jpeg = desk.picture(prefix, by, gate)
    finally:
        desk.close()
    try:
        write_atomic(out, jpeg)
    except OSError as error:
        raise CheckFailedError(f"{out} cannot be written: {error}") from error
    sha256 = hashlib.sha256(jpeg).hexdigest()
    return {"alert_id": found.id, "file": str(out), "bytes": len(jpeg), "sha256": sha256, "by": by}


def picture_word(alert: dict[str, Any], *, here: bool, rejected: bool) -> str:
    """What there is of a lead's picture."""
    if here:
        return "here"
    if not pictures.named_in(alert):
        why = alert["data"]["details"].get("picture_withheld")
        return f"withheld: {why}" if why else "none"
    return "destroyed" if rejected else "announced, not here"


def _check(found: Found, before: Sequence[Verdict], word: Word, by: str) -> None:
    rejected = [v.by for v in before if v.verdict == Word.REJECT]
    if rejected:
        raise CheckFailedError(f"{found.id} is rejected by {rejected[0]} already")
    if word is Word.REJECT:
        return
    if len(before) >= PERSONS:
        raise CheckFailedError(f"{found.id} is confirmed by {before[0].by} and {before[1].by}")
    if any(v.by.strip().casefold() == by.strip().casefold() for v in before):
        raise CheckFailedError(f"{by} confirmed {found.id} already: a second person has to")


def _decided(
    found: Found, said: Sequence[Verdict], *, closed: bool = False, expired: bool = False
) -> Decided:
    way = route(found.topic)
    standing = standing_of([v.verdict for v in said], closed=closed, expired=expired)
    return Decided(found, way is not None and way.drill, standing, tuple(said))


def _row(decided: Decided, kind: str, happened_ns: int, body: dict[str, Any]) -> Result:
    said = [
        {"verdict": v.verdict, "by": v.by, "reason": v.reason, "at": format_utc(v.at_ns)}
        for v in decided.said
    ]
    return {
        "alert_id": decided.found.id,
        "gate": gate_name(decided.found.source),
        "kind": kind,
        "status": (Status.EXERCISE if decided.exercise else Status.ACTUAL).value,
        "standing": decided.standing.value,
        "stage": decided.found.stage.value,
        "happened_at": format_utc(happened_ns),
        "details": body["data"]["details"],
        "verdicts": said,
    }
