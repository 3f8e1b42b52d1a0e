"""Who answered a call of an area, and when: the roll-call, from what the station stored.

A call is the station's own, or one that a gate made while the station was silent and told of later.
Durations are by the station's clock, from when it sent the call (a gate's call: when the gate says
that it called). Here: values and reading. Not here: how they look (``station.call_view``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.clock import NS_PER_S, format_utc, parse_utc
from agent.core.errors import CheckFailedError
from contract.topics import ROOT
from contract.words import Status
from station.tables import fetched, open_for_reading
from station.values import gate_name

SHOWN = 5
MOST_OPEN = 50
LINGER_S = 60
EVERY = 100_000
BEYOND = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one gate. ``late``: it came when the call was over."""

    call_id: str
    area: str
    gate: str
    state: str
    who: str
    eta_s: float | None
    at: str
    received_ns: int
    after_s: float | None
    late: bool


@dataclass(frozen=True, slots=True)
class Roll:
    """A call and who answered. ``by``: the station's id, or ``site/node`` of the gate that called.

    ``answers`` in order of receipt; ``silent`` are gates of the area that said nothing so far.
    """

    call_id: str
    area: str
    kind: str
    text_en: str
    text_zh: str
    where: str
    gate: str
    by: str
    status: Status
    called_ns: int
    over_ns: int
    answers: tuple[Answer, ...]
    silent: tuple[str, ...] = ()

    @property
    def standing(self) -> Mapping[str, Answer]:
        """How each gate stands: its newest answer."""
        return {answer.gate: answer for answer in self.answers}

    @property
    def counted(self) -> tuple[int, int]:
        """How many gates answered, of how many that were called, as far as these are known."""
        answered = len(self.standing)
        return answered, answered + len(self.silent)


def roll_json(roll: Roll) -> dict[str, object]:
    """A roll for programs."""
    return {
        "call_id": roll.call_id,
        "area": roll.area,
        "kind": roll.kind,
        "text": {"en": roll.text_en, "zh": roll.text_zh},
        "where": roll.where,
        "gate": roll.gate,
        "by": roll.by,
        "status": roll.status.value,
        "called_at": format_utc(roll.called_ns),
        "over_at": format_utc(roll.over_ns),
        "answers": [answer_json(answer) for answer in roll.answers],
        "silent": list(roll.silent),
    }


def answer_json(answer: Answer) -> dict[str, object]:
    """An answer for programs."""
    return {
        "gate": answer.gate,
        "state": answer.state,
        "who": answer.who,
        "eta_s": answer.eta_s,
        "at": answer.at,
        "received_at": format_utc(answer.received_ns),
        "after_s": answer.after_s,
        "late": answer.late,
    }


class Rolls:
    """Reads roll-calls from the station's file; *members*: gates of each area, where known."""

    def __init__(
        self, path: Path, station: str, members: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._path = path
        self._station = station
        self._members = members or {}
        self._head = f"{ROOT}/{station}/area/"
        self._db = open_for_reading(path)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def newest(self, limit: int = SHOWN) -> list[Roll]:
        """The newest calls, newest first."""
        return [self._roll(call) for call in self._calls(limit)]

    def going(self, now_ns: int) -> list[Roll]:
        """Calls that are open, or were until a minute ago, newest first."""
        since_ns = now_ns - LINGER_S * NS_PER_S
        calls = self._calls(MOST_OPEN)
        return [self._roll(call) for call in calls if _ns(call["expires_at"]) > since_ns]

    def one(self, prefix: str) -> Roll:
        """The call whose id starts so; CheckFailedError when there is none, or several."""
        found = [c for c in self._calls(EVERY, prefix) if c["call_id"].startswith(prefix)]
        if len(found) != 1:
            many = f"{len(found)} calls start" if found else "no call starts"
            raise CheckFailedError(f"{many} with {prefix!r}; 'station rollcall' shows the newest")
        return self._roll(found[0])

    def unknown(self) -> list[Answer]:
        """Answers to calls that this station does not know."""
        known = {call["call_id"] for call in self._calls(EVERY)}
        rows = self._answers("topic GLOB ?", f"{self._head}*")
        return [_answer(row, None) for row in rows if row["call_id"] not in known]

    def _calls(self, limit: int, prefix: str = "") -> list[dict[str, Any]]:
        """The newest calls, newest first; only those whose id may start so."""
        found = {c["call_id"]: c for c in (*self._own(limit, prefix), *self._told(limit))}
        return sorted(found.values(), key=lambda call: -call["called_ns"])[:limit]

    def _own(self, limit: int, prefix: str) -> list[dict[str, Any]]:
        rows = self._rows(
            "SELECT topic, body, received_ns FROM papers WHERE topic GLOB ? AND topic GLOB '*/call'"
            " AND key>=? AND key<? ORDER BY received_ns DESC LIMIT ?",
            f"{self._head}*",
            prefix,
            prefix + BEYOND,
            limit,
        )
        return [
            {**json.loads(body), "by": self._station, "called_ns": ns, "area": topic.split("/")[4]}
            for topic, body, ns in rows
        ]

    def _told(self, limit: int) -> list[dict[str, Any]]:
        """Calls that gates made, as they told later."""
        rows = self._rows(
            "SELECT source, body FROM messages WHERE channel='event' AND kind='call.made'"
            " ORDER BY n DESC LIMIT ?",
            limit,
        )
        found = []
        for source, body in rows:
            told = json.loads(body)["data"]["details"]
            if isinstance(told, dict) and {"call_id", "area", "at", "expires_at"} <= told.keys():
                gate = gate_name(source)
                found.append({**told, "by": gate, "called_ns": _ns(told["at"])})
        return found

    def _answers(self, where: str, *values: str) -> list[dict[str, Any]]:
        rows = self._rows(
            f"SELECT topic, body, received_ns FROM papers WHERE {where}"  # noqa: S608 - ours
            " AND topic GLOB '*/respond/*' ORDER BY received_ns, rowid",
            *values,
        )
        found = []
        for topic, body, ns in rows:
            parts = topic.split("/")
            about = {"area": parts[4], "gate": "/".join(parts[6:8]), "received_ns": ns}
            found.append({**json.loads(body), **about})
        return found

    def _roll(self, call: Mapping[str, Any]) -> Roll:
        """The call with its answers: those whose key is its id, a space and a state."""
        name = str(call["call_id"])
        rows = self._answers("key>=? AND key<?", f"{name} ", f"{name} {BEYOND}")
        text = call.get("text", {})
        site, node = call.get("site"), call.get("node")
        answers = tuple(_answer(row, call) for row in rows)
        heard = {answer.gate for answer in answers} | {f"{site}/{node}"}
        members = self._members.get(str(call["area"]), ())
        return Roll(
            call_id=str(call["call_id"]),
            area=str(call["area"]),
            kind=str(call.get("kind", "")),
            text_en=str(text.get("en", "")),
            text_zh=str(text.get("zh", "")),
            where=str(call.get("where", "")),
            gate=f"{site}/{node}" if site and node else "",
            by=str(call["by"]),
            status=Status(call.get("status", Status.ACTUAL)),
            called_ns=int(call["called_ns"]),
            over_ns=_ns(call["expires_at"]),
            answers=answers,
            silent=tuple(sorted(set(members) - heard)),
        )

    def _rows(self, query: str, *values: object) -> list[Any]:
        return fetched(self._db, self._path, query, *values)


def _answer(row: Mapping[str, Any], call: Mapping[str, Any] | None) -> Answer:
    received_ns = int(row["received_ns"])
    after_s = None
    if call is not None:
        after_s = round((received_ns - int(call["called_ns"])) / NS_PER_S, 3)
    return Answer(
        call_id=str(row["call_id"]),
        area=str(row["area"]),
        gate=str(row["gate"]),
        state=str(row["state"]),
        who=str(row["who"]),
        eta_s=row.get("eta_s"),
        at=str(row["at"]),
        received_ns=received_ns,
        after_s=after_s,
        late=call is not None and received_ns > _ns(call["expires_at"]),
    )


def _ns(text: object) -> int:
    try:
        return parse_utc(str(text))
    except ValueError:
        return 0
