"""What a walk over the audit log finds: every edit, cut and reorder, by its first record."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

import pytest

from agent.audit.chain import FORGOTTEN_HASH, FORGOTTEN_TO, START
from agent.audit.record import hash_of, line_of, read_line, sealed
from agent.core.audit import AuditKind, Head, What
from agent.core.clock import ManualClock, stamp
from tests.support.audit import KEY, OTHER_KEY, chain, walked

TRIALS = 1000
LENGTH = 40
Edit = Callable[[list[bytes], random.Random], int]


def head_of(line: bytes) -> Head:
    record = read_line(line)
    return Head(record.n, record.hash)


@pytest.fixture
def lines(clock: ManualClock) -> list[bytes]:
    return chain(LENGTH, clock)


def test_an_untouched_log_holds(lines: list[bytes]) -> None:
    verdict = walked(lines, head_of(lines[-1]), head_of(lines[7]))
    assert (verdict.ok, verdict.records, verdict.head) == (True, LENGTH, head_of(lines[-1]))
    assert walked([]).ok
    assert walked([]).head == START


# -- 1,000 random edits, cuts and reorders -----------------------------------------------------


def flip_a_bit(lines: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(len(lines))
    line = bytearray(lines[at])
    line[dice.randrange(len(line) - 1)] ^= 1 << dice.randrange(8)
    lines[at] = bytes(line)
    return at + 1


def put_a_byte(lines: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(len(lines))
    spot = dice.randrange(len(lines[at]))
    lines[at] = lines[at][:spot] + bytes([dice.randrange(32, 127)]) + lines[at][spot:]
    return at + 1


def take_a_byte(lines: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(len(lines))
    spot = dice.randrange(len(lines[at]) - 1)
    lines[at] = lines[at][:spot] + lines[at][spot + 1 :]
    return at + 1


def cut_out(lines: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(len(lines) - 1)
    del lines[at : dice.randrange(at + 1, len(lines))]
    return 1 if at == 0 else at + 1


def cut_off(lines: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(1, len(lines))
    del lines[at:]
    return at + 1


def swap(lines: list[bytes], dice: random.Random) -> int:
    one, two = sorted(dice.sample(range(len(lines)), 2))
    lines[one], lines[two] = lines[two], lines[one]
    return one + 1


def repeat(lines: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(len(lines))
    lines.insert(at, lines[at])
    return at + 2


def make_anew(lines: list[bytes], dice: random.Random) -> int:
    """What somebody does who can compute SHA-256 and has not our key."""
    at = dice.randrange(len(lines))
    prev = read_line(lines[at]).prev
    forged = OTHER_KEY if dice.random() < 0.5 else None
    for number in range(at, len(lines)):
        was = read_line(lines[number])
        key_id, who = forged.id if forged else "", "nobody" if number == at else was.who
        record = dataclasses.replace(was, prev=prev, who=who, key=key_id, mac="")
        record = dataclasses.replace(record, hash=hash_of(record), mac="ab" * 32 if forged else "")
        lines[number], prev = line_of(record), record.hash
    return at + 1


def keep_the_mac(lines: list[bytes], dice: random.Random) -> int:
    """As above, and pretends that our key vouches."""
    at = dice.randrange(len(lines))
    prev = read_line(lines[at]).prev
    for number in range(at, len(lines)):
        was = read_line(lines[number])
        record = dataclasses.replace(was, prev=prev, who="nobody" if number == at else was.who)
        record = dataclasses.replace(record, hash=hash_of(record))
        lines[number], prev = line_of(record), record.hash
    return at + 1


EDITS: list[Edit] = [
    flip_a_bit,
    put_a_byte,
    take_a_byte,
    cut_out,
    cut_off,
    swap,
    repeat,
    make_anew,
    keep_the_mac,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_all_of_a_thousand_changes_are_found_and_named(edit: Edit, lines: list[bytes]) -> None:
    dice = random.Random(edit.__name__)  # noqa: S311 - trials that can be repeated
    heads = (head_of(lines[-1]),)
    for _ in range(TRIALS // len(EDITS) + 1):
        changed = list(lines)
        first = edit(changed, dice)
        if b"\n".join(changed) == b"\n".join(lines):
            continue
        verdict = walked(changed, *heads)
        assert not verdict.ok
        assert verdict.breaks[0].n == first, verdict.breaks


def test_a_hash_that_is_no_hash_is_a_finding_and_no_fault(lines: list[bytes]) -> None:
    mark = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
    lines[3] = lines[3].replace(b'"hash":"', b'"hash":"' + mark, 1)
    assert not walked(lines).ok


def test_a_log_without_its_own_key_is_still_a_chain(lines: list[bytes]) -> None:
    verdict = walked(lines, keys=None)
    assert (verdict.ok, verdict.vouched) == (True, False)
    del lines[3]
    (found,) = walked(lines, keys=None).breaks
    assert str(found) == "record 4: is missing; 5 follows record 3"


def test_a_chain_made_anew_is_found_by_its_heads_alone(
    lines: list[bytes], clock: ManualClock
) -> None:
    kept = head_of(lines[10])
    other = [*lines[:5], *chain(LENGTH, clock, after=head_of(lines[4]))]
    assert walked(other, keys=None).ok
    (found,) = walked(other, kept, keys=None).breaks
    assert str(found) == "record 11: is not the record that was seen elsewhere"


def test_who_cannot_be_vouched_for_is_said_once_a_run(clock: ManualClock) -> None:
    first = chain(5, clock)
    lost = chain(5, clock, key=OTHER_KEY, after=head_of(first[-1]))
    later = chain(5, clock, after=head_of(lost[-1]))
    verdict = walked([*first, *lost, *later])
    assert [str(b) for b in verdict.breaks] == [
        "record 6: nobody vouches for it: key k2 is not here"
    ]
    assert walked([*first, *lost, *later], keys=[KEY, OTHER_KEY]).ok


def test_a_gap_marker_names_what_was_broken(clock: ManualClock) -> None:
    lines = chain(5, clock)
    last = head_of(lines[-1])
    marker = sealed(
        6, last.hash, stamp(clock), AuditKind.GAP, "gate", {"why": "broken", "records": "3,9"}, KEY
    )
    del lines[2]
    verdict = walked([*lines, line_of(marker)])
    assert not verdict.ok
    assert [found.n for found in verdict.breaks] == [3]
    assert verdict.new == []
    torn = sealed(1, START.hash, stamp(clock), AuditKind.GAP, "gate", {"why": "torn"}, KEY)
    assert walked([line_of(torn)]).ok


def test_what_was_forgotten_on_purpose_may_be_missing(clock: ManualClock) -> None:
    lines = chain(9, clock)
    last, gone = head_of(lines[-1]), head_of(lines[3])
    what: What = {FORGOTTEN_TO: gone.n, FORGOTTEN_HASH: gone.hash}
    marker = sealed(10, last.hash, stamp(clock), AuditKind.DELETION, "retention", what, KEY)
    kept = [*lines[4:], line_of(marker)]
    assert walked(kept).ok
    assert walked(kept).first == 5
    assert [b.n for b in walked(kept[1:]).breaks] == [1]
    forged = dataclasses.replace(marker, mac="00" * 32)
    assert not walked([*lines[4:], line_of(forged)]).ok
