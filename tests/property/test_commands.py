"""A signed command is obeyed as it was signed, once, at this gate, now, or not at all."""

from __future__ import annotations

import random
import string
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.clock import ManualClock
from contract.words import CommandName, Outcome, Role
from tests.support.lives import Fate, Life
from tests.support.orders import Desk, NotingDeed
from tests.support.signed import KEYS, STRANGER, command, to_bytes, utc

MUTATIONS = 10_000
DOOR = {"door": "side", "reason": "delivery", "pulse_s": 1.5}


@contextmanager
def a_gate() -> Iterator[tuple[Desk, list[Mapping[str, Any]], ManualClock]]:
    """A gate that obeys every name and writes down what it did."""
    clock, deed = ManualClock(), NotingDeed([])
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "commands.json", clock, dict.fromkeys(CommandName, deed))
        yield desk, deed.done, clock


@contextmanager
def a_life() -> Iterator[Life]:
    """A gate with a real door: the relay's line is counted."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), ManualClock(), Fate())
        life.begin()
        yield life


def a_door(clock: ManualClock, **fields: Any) -> dict[str, Any]:
    return command(clock, **{"key": KEYS[Role.DOOR], "name": "door.open", "args": DOOR, **fields})


def test_ten_thousand_door_commands_with_one_wrong_byte_open_nothing() -> None:
    chance = random.Random(2026)  # noqa: S311 - seeded
    with a_life() as life:
        payload = to_bytes(a_door(life.clock))
        for _ in range(MUTATIONS):
            mutated = bytearray(payload)
            mutated[chance.randrange(len(payload))] ^= chance.randrange(1, 256)
            life.hear(bytes(mutated))
        assert life.actuations == 0
        assert [result.outcome for result in life.told] == [Outcome.REFUSED] * MUTATIONS
        assert all(result.reason for result in life.told)
        assert len(life.published) == MUTATIONS
        life.hear(payload)
        life.timers.wait(20)
        assert life.told[-1].outcome is Outcome.DONE
        assert life.actuations == 1


def forgeries(clock: ManualClock, chance: random.Random) -> Iterator[tuple[str, bytes, bool]]:
    """Well-made commands that are not for this door now: topic, payload, retained."""
    for number in range(1, 26):
        unique = {"cmd_id": f"forged-{number:08}", "counter": 100 + number}
        for role, key in KEYS.items():
            if role is not Role.DOOR:
                yield "door.open", to_bytes(a_door(clock, key=key, **unique)), False
        yield "door.open", to_bytes(a_door(clock, key=STRANGER, **unique)), False
        for node in ("cancheng.liya-garden.gate-2", "cancheng.no3-school.gate-1", "*"):
            yield "door.open", to_bytes(a_door(clock, node=node, **unique)), False
        yield "door.open", to_bytes(a_door(clock, issuer="foshan", **unique)), False
        yield "door.open", to_bytes(a_door(clock, **unique)), True
        yield "barrier.override", to_bytes(a_door(clock, **unique)), False
        yield "barrier.override", to_bytes(a_door(clock, name="barrier.override", **unique)), False
        late = {"issued_at": utc(clock, -11), "expires_at": utc(clock, chance.uniform(-10, 3600))}
        yield "door.open", to_bytes(a_door(clock, **late, **unique)), False
        early = {"issued_at": utc(clock, 6), "expires_at": utc(clock, 16)}
        yield "door.open", to_bytes(a_door(clock, **early, **unique)), False
        yield "door.open", to_bytes(a_door(clock, status="Exercise", **unique)), False
        yield "door.open", to_bytes(a_door(clock, args={"door": "back"}, **unique)), False


def test_replays_and_other_gates_and_roles_commands_open_nothing() -> None:
    chance = random.Random(7)  # noqa: S311 - seeded
    with a_life() as life:
        good = [
            to_bytes(a_door(life.clock, cmd_id=f"genuine-{n:08}", counter=n)) for n in range(1, 4)
        ]
        for payload in reversed(good):
            life.hear(payload)
            life.timers.wait(1.9)
        assert life.actuations == 1
        refused = life.told[0:2]
        assert [result.reason.split(":")[0] for result in refused] == ["counter", "counter"]
        told = 0
        for name, payload, retained in [
            *forgeries(life.clock, chance),
            *(("door.open", payload, False) for payload in good * 100),
        ]:
            before = len(life.told)
            life.hear(payload, name, retained=retained)
            assert len(life.told) == before + 1
            assert life.told[-1].outcome is Outcome.REFUSED
            told += 1
        assert told > 600
        assert life.actuations == 1


def test_a_signature_has_exactly_one_spelling() -> None:
    with a_gate() as (desk, done, clock):
        made = command(clock)
        sig = made["sig"]
        for letter in string.ascii_letters + string.digits + "+/=\n ":
            for other in (sig[:-3] + letter + "==", sig[:-2] + letter, sig + letter, letter + sig):
                if other != sig:
                    desk.handle({**made, "sig": other})
        desk.handle({**made, "sig": sig[:-2]})
        desk.handle({**made, "sig": sig.rstrip("=") + "="})
        assert done == []


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.booleans()), max_size=15))
def test_ids_and_counters_are_each_obeyed_at_most_once_and_counters_rise(
    story: list[tuple[int, int, bool]],
) -> None:
    with a_gate() as (desk, done, clock):
        for number, counter, forged in story:
            args = {"id": number, "counter": counter}
            made = command(clock, cmd_id=f"cmd-{number:08}", counter=counter, args=args)
            if forged:
                made["args"] = {"id": 99, "counter": 99}
            desk.handle(made)
        ids = [args["id"] for args in done]
        counters = [args["counter"] for args in done]
        assert len(set(ids)) == len(ids)
        assert counters == sorted(set(counters))
        assert 99 not in ids


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.text(max_size=20), st.booleans())
def test_bytes_from_anywhere_are_refused_and_answered(
    payload: bytes, name: str, retained: bool
) -> None:
    with a_gate() as (desk, done, _):
        result = desk.handle(payload, topic=name, retained=retained)
        assert result.outcome is Outcome.REFUSED
        assert result.body(drill=retained)
        assert done == []
