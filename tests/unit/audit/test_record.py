"""Records: hashed, vouched for, and with one spelling each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.audit.record import FIRST_PREV, MAX_TEXT, hash_of, line_of, mac_of, read_line, sealed
from agent.core.audit import AuditKind, What
from agent.core.clock import ManualClock, stamp
from tests.support.audit import KEY


def made(clock: ManualClock, who: str = "cancheng", **what: Any) -> bytes:
    record = sealed(1, FIRST_PREV, stamp(clock), AuditKind.COMMAND, who, what, KEY)
    return line_of(record)


def test_a_record_comes_back_whole(clock: ManualClock) -> None:
    what: What = {
        "name": "door.open",
        "text": '北门 "quoted" \\ \n\t\x7f',
        "late_ms": 12,
        "ok": True,
    }
    record = sealed(7, "ab" * 32, stamp(clock), AuditKind.COMMAND, "cancheng", what, KEY)
    line = line_of(record)
    assert read_line(line) == read_line(line.removesuffix(b"\n")) == record
    assert (record.what, record.key, record.prev) == (what, "k1", "ab" * 32)
    assert record.hash == hash_of(record)
    assert record.mac == mac_of(record.hash, KEY)
    assert b"\n" not in line[:-1]


def test_without_a_key_nobody_vouches(clock: ManualClock) -> None:
    record = sealed(1, FIRST_PREV, stamp(clock), AuditKind.VIEW, "uid 0", {}, None)
    assert (record.key, record.mac) == ("", "")
    assert record.hash == hash_of(record)


def test_long_and_unencodable_texts_are_cut_to_size(clock: ManualClock) -> None:
    record = read_line(made(clock, "\ud800" + "x" * 400, **{"a\udfff": "y" * 400}))
    assert record.who == "?" + "x" * (MAX_TEXT - 1)
    assert record.what == {"a?": "y" * MAX_TEXT}


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"null",
        lambda _: b"[]",
        lambda _: b"{}",
        lambda _: b"[" * 100_000,
        lambda line: line[:-10],
        lambda line: line.replace(b'"n":1', b'"n": 1'),
        lambda line: line.replace(b'"n":1', b'"n":1.0'),
        lambda line: line.replace(b'"n":1', b'"n":true'),
        lambda line: line.replace(b'"n":1', b'"n":1,"n":1'),
        lambda line: line.replace(b'"command"', b'"remark"'),
        lambda line: line.replace(b'"command"', b'"c\\u006fmmand"'),
        lambda line: line.replace(b'"who":"cancheng"', b'"who":"\\ud800"'),
        lambda line: line.replace(b'"who"', b'"whose"'),
        lambda line: line.replace(b"cancheng", b"cancheng\xff"),
        lambda line: b" " + line,
    ],
)
def test_what_is_not_spelled_like_a_record_is_none(clock: ManualClock, change: Any) -> None:
    line = made(clock).removesuffix(b"\n")
    assert json.loads(line)["n"] == 1
    with pytest.raises(ValueError):
        read_line(change(line))


def test_a_key_shows_no_secret() -> None:
    assert "0001" not in repr(KEY).replace("\\x", "")
    assert repr(KEY) == "MacKey(id='k1')"
