"""``gatehouse station call`` and ``rollcall``: an area is called, and who answers is shown.

Here: putting the parts together and using the machine's clock. Not here: what a call
looks like (``station.area_calls``), reading answers (``station.rollcall``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from agent.core.errors import CheckFailedError, UnreachableError
from contract.words import Role
from station import keys
from station.area_calls import Call, make_call
from station.desk import Desk
from station.ids import new_id
from station.rollcall import Answer, Roll, Rolls
from station.sending import send_or_withdraw
from station.trust.files import TrustFiles
from station.trust.registry import Registry
from station.trust.running import has_trust

POLL_S = 0.1


def call(folder: Path, wanted: Call, wait_s: float, say: Callable[[Answer, Roll], None]) -> Roll:
    """Call an area and wait *wait_s* seconds for answers, each told to *say* as it comes.

    UnreachableError, and nothing is said later, when ``station serve`` does not send it at once.
    """
    made = keys.open_station(folder)
    key = keys.role_key(made, Role.CONFIG)
    call_id = new_id()
    message = make_call(wanted, call_id, made.id, time.time_ns(), key)
    desk = Desk(made.database, time.time_ns)
    try:
        number = desk.send_filed(message, call_id)
        send_or_withdraw(desk, number)
    except UnreachableError:
        desk.unfile(message.topic, call_id)
        raise
    finally:
        desk.close()
    with _rolls(made) as rolls:
        return _followed(rolls, call_id, wait_s, say)


def rollcall(folder: Path, prefix: str | None) -> tuple[list[Roll], list[Answer]]:
    """One call, or the newest ones and what answers calls that are not known here."""
    with _rolls(keys.open_station(folder)) as rolls:
        if prefix is not None:
            return [rolls.one(prefix)], []
        return rolls.newest(), rolls.unknown()


def rolls_of(folder: Path, call_ids: Iterable[str]) -> list[Roll]:
    """The roll-calls of these calls, as far as they are known here."""
    found = []
    with _rolls(keys.open_station(folder)) as rolls:
        for call_id in call_ids:
            with suppress(CheckFailedError):
                found.append(rolls.one(call_id))
    return found


def members(made: keys.Station) -> Mapping[str, list[str]]:
    """The gates of each area, as the station registered them; empty without a registry."""
    if not has_trust(made):
        return {}
    found: dict[str, list[str]] = {}
    with closing(Registry(TrustFiles(made.folder.absolute()).registry)) as registry:
        for row in registry.gates():
            for area in row.areas if row.revoked_ns is None else ():
                found.setdefault(area, []).append("/".join(row.gate.split(".")[1:]))
    return found


@contextmanager
def _rolls(made: keys.Station) -> Iterator[Rolls]:
    with closing(Rolls(made.database, made.id, members(made))) as rolls:
        yield rolls


def _followed(
    rolls: Rolls, call_id: str, wait_s: float, say: Callable[[Answer, Roll], None]
) -> Roll:
    until, told = time.monotonic() + wait_s, 0
    while True:
        roll = rolls.one(call_id)
        for answer in roll.answers[told:]:
            say(answer, roll)
        told = len(roll.answers)
        if time.monotonic() >= until or time.time_ns() >= roll.over_ns:
            return roll
        time.sleep(POLL_S)
