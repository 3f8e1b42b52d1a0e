"""A signed command is obeyed as it was signed, once, at this gate, now, or not at all."""

from __future__ import annotations

import json
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
from contract.words import CommandName, Outcome, Refusal, Role
from tests.support.lives import Fate, Life
from tests.support.orders import Desk, NotingDeed
from tests.support.samples import ADDRESS
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
        assert_reported(life, MUTATIONS)
        assert life.released == [], "no rule is told of an opening either"
        life.hear(payload)
        life.timers.wait(20)
        assert life.told[-1].outcome is Outcome.DONE
        assert life.actuations == 1


def assert_reported(life: Life, count: int) -> None:
    """The newest *count* words to the station are refusals, each with a reason of the contract."""
    for (topic, body), result in zip(life.published[-count:], life.told[-count:], strict=True):
        said = json.loads(body)
        assert topic == ADDRESS.topic("result", drill="status" in said)
        assert (said["outcome"], said["cmd_id"]) == ("refused", result.cmd_id)
        assert Refusal(said["reason"].split(":")[0])
    assert len(life.published) >= count


def forgeries(
    clock: ManualClock, chance: random.Random
) -> Iterator[tuple[Refusal, str, bytes, bool, bool]]:
    """Well-made commands that are not for this door now: why, topic, payload, retained, drill."""
    for number in range(1, 26):
        unique = {"cmd_id": f"forged-{number:08}", "counter": 100 + number}

        def door(**fields: Any) -> bytes:
            return to_bytes(a_door(clock, **unique, **fields))  # noqa: B023 - used at once

        for role, key in KEYS.items():
            if role is not Role.DOOR:
                yield Refusal.WRONG_ROLE, "door.open", door(key=key), False, False
        yield Refusal.BAD_SIGNATURE, "door.open", door(key=STRANGER), False, False
        for node in ("cancheng.liya-garden.gate-2", "cancheng.no3-school.gate-1", "*"):
            yield Refusal.WRONG_NODE, "door.open", door(node=node), False, False
        yield Refusal.UNKNOWN_ISSUER, "door.open", door(issuer="foshan"), False, False
        yield Refusal.RETAINED, "door.open", door(), True, False
        yield Refusal.UNSUPPORTED, "door.open", door(), False, True
        yield Refusal.UNKNOWN_COMMAND, "barrier.override", door(), False, False
        other = door(name="barrier.override")
        yield Refusal.UNSUPPORTED, "barrier.override", other, False, False
        late = {"issued_at": utc(clock, -11), "expires_at": utc(clock, chance.uniform(-10, 3600))}
        yield Refusal.EXPIRED, "door.open", door(**late), False, False
        early = {"issued_at": utc(clock, 6), "expires_at": utc(clock, 16)}
        yield Refusal.NOT_YET_VALID, "door.open", door(**early), False, False
        yield Refusal.UNSUPPORTED, "door.open", door(status="Exercise"), False, False
        yield Refusal.MALFORMED, "door.open", door(args={"door": "back"}), False, False
        yield Refusal.COUNTER, "door.open", to_bytes(a_door(clock, cmd_id="late-one")), False, False


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
        forged = [*forgeries(life.clock, chance)]
        why = (Refusal.COUNTER, Refusal.COUNTER, Refusal.REPEATED)
        replays = [
            (reason, "door.open", payload, False, False)
            for reason, payload in zip(why, good, strict=True)
        ]
        for expected, name, payload, retained, drill in forged + replays * 100:
            before = len(life.told)
            life.hear(payload, name, retained=retained, drill=drill)
            assert len(life.told) == before + 1
            reason = life.told[-1].reason
            assert (life.told[-1].outcome, reason.split(":")[0]) == (Outcome.REFUSED, expected)
        assert len(forged) + len(replays * 100) > 600
        assert_reported(life, len(forged) + len(replays * 100))
        assert (life.actuations, len(life.released)) == (1, 1)
        assert life.panel.driven()["lock-1"] is False


def test_what_was_obeyed_before_a_restart_is_not_obeyed_after_it() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        first = Life(Path(folder), clock, Fate())
        payload = to_bytes(a_door(clock))
        first.hear(payload)
        first.timers.wait(20)
        clock.step(-19)  # so that it is not the time which refuses it
        for _ in range(3):
            after = Life(Path(folder), clock, Fate())
            after.begin()
            after.hear(payload)
            assert after.told[-1].reason.startswith(Refusal.REPEATED)
            after.hear(to_bytes(a_door(clock, cmd_id="another-1")))
            assert after.told[-1].reason.startswith(Refusal.COUNTER)
            assert (first.actuations, after.actuations) == (1, 0)


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
