"""Messages against the contract: bytes of every kind, topics, and what a receiver may overlook."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.validate import check_message, schema_problems, validate_message
from tests.tools.messages import GATE, OTHER_GATE, alert, beat, body, fact, meta, state

ALERT = f"{GATE}/alert"


def problems(topic: str, value: dict[str, Any], *, retained: bool = False) -> list[str]:
    return validate_message(topic, body(value), retained)


@pytest.mark.parametrize(
    ("topic", "value", "retained"),
    [
        (ALERT, alert(1), False),
        (f"{GATE}/drill/alert", alert(1, ghstatus="Exercise"), False),
        (ALERT, alert(1, ghstatus="Test"), False),
        (ALERT, alert(1, orgpath="county"), False),
        (f"{GATE}/event", fact(1), False),
        (f"{GATE}/state", state(), True),
        (f"{GATE}/state", state(online=False), True),
        (f"{GATE}/meta", meta(), True),
        (f"{GATE}/hb", beat(), False),
        ("gh/v1/cancheng/host/state", {"online": True, "at": "2026-11-21T08:00:00Z"}, True),
    ],
)
def test_good_messages_have_no_problem(
    topic: str, value: dict[str, Any], *, retained: bool
) -> None:
    assert problems(topic, value, retained=retained) == []


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[" * 8000, "is nested too deeply"),
        (b"17", "is not a JSON object"),
        (b'{"a":', "is not JSON: Expecting value: line 1 column 6 (char 5)"),
        (b'{"a":1e999}', "has a number that is not finite"),
        (b'{"a":NaN}', "has NaN, which is not JSON"),
        (b'{"a":"\\ud800"}', "has half of a surrogate pair in a text"),
        (b'{"a":1,"a":1}', "has a key twice"),
        (b'{"a":' + b"7" * 5000 + b"}", "has a number too long to be meant"),
        (b" " * 8193, "is 8193 bytes long, more than 8192"),
    ],
)
def test_hostile_bytes_have_a_name(payload: bytes, problem: str) -> None:
    assert validate_message(ALERT, payload, retained=False) == [problem]


@given(st.binary(max_size=200), st.text(max_size=40))
def test_no_bytes_and_no_topic_raise(payload: bytes, topic: str) -> None:
    assert isinstance(validate_message(ALERT, payload, retained=False), list)
    assert validate_message(topic, payload, retained=True)


def test_size_limits_are_of_bytes_not_characters() -> None:
    near = alert(1)
    near["data"]["details"] = {"note": "门" * 2600}
    assert any("more than 8192" in text for text in problems(ALERT, near))
    large = fact(1)
    large["data"]["details"] = {"note": "x" * 262_144}
    assert any("more than 262144" in text for text in problems(f"{GATE}/event", large))


@pytest.mark.parametrize(
    ("topic", "retained", "problem"),
    [
        (ALERT, True, "must never be retained"),
        (f"{GATE}/state", False, "must be retained"),
        (f"{GATE}/cmd/door.open", True, "must never be retained"),
        (f"{GATE}/desired/watchlist", False, "must be retained"),
        (f"{GATE}/reported/watchlist", False, "must be retained"),
        (f"{GATE}/hb", True, "must never be retained"),
    ],
)
def test_retain_flags(*, topic: str, retained: bool, problem: str) -> None:
    assert problem in validate_message(topic, b"{}", retained)


@pytest.mark.parametrize(
    "topic",
    [
        "gh/v1/cancheng/liya-garden/gate-1",
        "gh/v2/cancheng/liya-garden/gate-1/alert",
        "gh/v1/Cancheng/liya-garden/gate-1/alert",
        f"{GATE}/alert/more",
        f"{GATE}/drill/hb",
        f"{GATE}/cmd/door.close",
        f"{GATE}/desired/faces",
        f"{GATE}/evidence/abc/0",
        "gh/v1/cancheng/area/east",
        "other/topic",
    ],
)
def test_topics_outside_version_1(topic: str) -> None:
    assert problems(topic, alert(1)) == ["is not a topic of contract version 1"]


def test_a_gate_speaks_for_itself_only() -> None:
    found = problems(ALERT, alert(1, source=OTHER_GATE))
    assert found == [f"source: is not {GATE}, whose topic this is"]


@pytest.mark.parametrize(
    ("topic", "status"),
    [(ALERT, "Exercise"), (f"{GATE}/drill/alert", "Actual"), (f"{GATE}/drill/alert", "Test")],
)
def test_branch_and_flag_have_to_agree_but_a_receiver_goes_on(topic: str, status: str) -> None:
    checked = check_message(topic, body(alert(1, ghstatus=status)))
    assert [p.path for p in checked.problems] == ["ghstatus"]
    assert checked.usable


@pytest.mark.parametrize(
    "change",
    [
        {"type": "gatehouse.alert.flood"},
        {"id": "4f3c"},
        {"dataschema": "urn:elsewhere"},
        {"data": {**alert(1)["data"], "weather": "rain"}},
    ],
)
def test_a_receiver_overlooks_what_it_does_not_know(change: dict[str, Any]) -> None:
    checked = check_message(ALERT, body(alert(1) | change))
    assert checked.problems
    assert checked.usable


@pytest.mark.parametrize(
    "change",
    [
        {"type": "com.example.alert"},
        {"id": ""},
        {"id": "x" * 65},
        {"seq": -1},
        {"seq": 1 << 40},
        {"seq": "7"},
        {"session": True},
        {"time": "yesterday"},
        {"time": "2026-11-21T08:00:00"},
        {"ghstatus": "Drill"},
        {"data": {}},
    ],
)
def test_a_receiver_cannot_use_what_breaks_a_known_field(change: dict[str, Any]) -> None:
    assert not check_message(ALERT, body(alert(1) | change)).usable


def test_a_pattern_ends_where_the_text_ends() -> None:
    value = {**state(), "boot_id": "b\n"}
    assert schema_problems("state", value) == []
    entry_id = "W-1\n"
    found = schema_problems("watchlist-entry", {"entry_id": entry_id})
    assert any(p.path == "entry_id" for p in found)


def test_evidence_is_a_jpeg() -> None:
    topic = f"{GATE}/evidence/0197a3b2-4c11-7000-8000-000000000001/1"
    assert validate_message(topic, b"\xff\xd8\xff\xe0 and more", retained=False) == []
    assert validate_message(topic, b"GIF89a", retained=False) == ["is not a JPEG"]


def test_a_command_is_for_the_gate_of_its_topic() -> None:
    value = {"name": "wipe", "node": "cancheng.elsewhere.gate-9"}
    found = problems(f"{GATE}/cmd/door.open", value)
    assert "name: is not door.open, whose topic this is" in found
    assert "node: is not cancheng.liya-garden.gate-1, whose topic this is" in found


def test_problems_are_short_even_where_values_are_long() -> None:
    found = problems(f"{GATE}/event", fact(1, subject="x" * 100_000))
    assert json.dumps(found)
    assert all(len(text) < 300 for text in found)
