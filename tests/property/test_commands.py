"""A signed command is obeyed as it was signed, or not at all."""

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
from agent.pipeline.commands import CommandGate
from contract.words import CommandName, Outcome
from tests.support.samples import ADDRESS
from tests.support.signed import TRUSTED, command, to_bytes

MUTATIONS = 1_000


@contextmanager
def a_gate() -> Iterator[tuple[CommandGate, list[Mapping[str, Any]], ManualClock]]:
    """A gate that obeys every name and writes down what it did."""
    clock, done = ManualClock(), list[Mapping[str, Any]]()

    def do(args: Mapping[str, Any]) -> Mapping[str, object]:
        done.append(args)
        return {}

    with tempfile.TemporaryDirectory() as folder:
        counters = Path(folder) / "commands.json"
        operations = dict.fromkeys(CommandName, do)
        yield CommandGate(TRUSTED, ADDRESS, clock, counters, operations), done, clock


def test_a_thousand_commands_with_one_wrong_byte_are_all_refused() -> None:
    chance = random.Random(2026)  # noqa: S311 - seeded
    with a_gate() as (gate, done, clock):
        payload = to_bytes(command(clock, args={"door": "side", "for_s": 2}))
        for _ in range(MUTATIONS):
            mutated = bytearray(payload)
            mutated[chance.randrange(len(payload))] ^= chance.randrange(1, 256)
            result = gate.handle("rebirth", bytes(mutated), retained=False)
            assert result.outcome is Outcome.REFUSED
        assert done == []
        assert gate.handle("rebirth", payload, retained=False).outcome is Outcome.DONE


def test_a_signature_has_exactly_one_spelling() -> None:
    with a_gate() as (gate, done, clock):
        made = command(clock)
        sig = made["sig"]
        for letter in string.ascii_letters + string.digits + "+/=\n ":
            for other in (sig[:-3] + letter + "==", sig[:-2] + letter, sig + letter, letter + sig):
                if other != sig:
                    gate.handle("rebirth", to_bytes({**made, "sig": other}), retained=False)
        gate.handle("rebirth", to_bytes({**made, "sig": sig[:-2]}), retained=False)
        gate.handle("rebirth", to_bytes({**made, "sig": sig.rstrip("=") + "="}), retained=False)
        assert done == []


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.booleans()), max_size=15))
def test_ids_and_counters_are_each_obeyed_at_most_once_and_counters_rise(
    story: list[tuple[int, int, bool]],
) -> None:
    with a_gate() as (gate, done, clock):
        for number, counter, forged in story:
            args = {"id": number, "counter": counter}
            made = command(clock, cmd_id=f"cmd-{number:08}", counter=counter, args=args)
            if forged:
                made["args"] = {"id": 99, "counter": 99}
            gate.handle("rebirth", to_bytes(made), retained=False)
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
    with a_gate() as (gate, done, _):
        result = gate.handle(name, payload, retained=retained)
        assert result.outcome is Outcome.REFUSED
        assert result.body(drill=retained)
        assert done == []
