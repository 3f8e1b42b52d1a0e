"""Clocks, levels and leads put together from what the station stored, in whatever order it came."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import NS_PER_S, format_utc
from contract.words import Stage
from station.board import Snapshot
from station.desk import Desk
from station.going import LEADS_QUERY
from station.incidents import LONGEST_NS, Step, clock_json, level_json
from station.leads import LeadDesk
from station.snapshot import Reader
from station.standing import Word
from station.store import Store
from station.tables import open_for_reading
from station.watch import Changes
from tests.support.going import CHAIN, INCIDENT, arrived, breach, grave, lead, report, take
from tests.tools.messages import UTC, alert, fact, message_id

BEGAN_NS = 1_795_248_000_000_000_000
assert format_utc(BEGAN_NS) == UTC
NOW_NS = BEGAN_NS + 20 * NS_PER_S


@pytest.fixture
def reader(path: Path, store: Store) -> Iterator[Reader]:
    del store
    made = Reader(path, "cancheng", "")
    yield made
    made.close()


@pytest.fixture
def hear(store: Store) -> Callable[..., None]:
    def hear(rest: str, value: dict[str, Any], at_ns: int = NOW_NS) -> None:
        take(store, rest, value, at_ns)

    return hear


def steps(board: Snapshot) -> list[list[tuple[int, Step, float | None]]]:
    return [[(s.stage, s.step, s.after_s) for s in i.stages] for i in board.incidents]


WORDS = [
    ("alert", grave()),
    ("alert", grave(2, level="county")),
    ("alert", breach(3, 1)),
    ("event", arrived(4, [1, 3], 75.0)),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_words_make_the_same_in_any_order_and_over_a_new_look(
    order: tuple[int, ...], path: Path, reader: Reader, hear: Callable[..., None]
) -> None:
    for number in order:
        hear(*WORDS[number])
        reader.snapshot(NOW_NS, 0)
    late = Reader(path, "cancheng", "")
    for look in (reader, late):
        (found,) = look.snapshot(NOW_NS, 0).incidents
        assert (found.incident, found.began_ns, found.kind) == (INCIDENT, BEGAN_NS, "panic")
        assert [(s.step, s.after_s) for s in found.stages] == [
            (Step.LATE, 75.0),
            (Step.MET, 75.0),
            (Step.WAITING, None),
        ]
        assert [found.chain[found.level].en, found.next_level and found.next_level.en] == [
            "County",
            "City",
        ]
    late.close()


def test_a_person_takes_it_up_and_closing_ends_it(
    path: Path, reader: Reader, hear: Callable[..., None]
) -> None:
    hear("alert", grave())
    assert reader.snapshot(NOW_NS, 0).incidents[0].taken_up_by == ""
    desk = Desk(path, lambda: NOW_NS)
    desk.ack(message_id(1), Stage.SEEN, "desk-3")
    (found,) = reader.snapshot(NOW_NS, 0).incidents
    assert (found.taken_up_by, found.next_level) == ("desk-3", None)
    desk.ack(message_id(1), Stage.CLOSED, "desk-3")
    desk.close()
    assert reader.snapshot(NOW_NS, 0).incidents == ()


@pytest.mark.parametrize("end", ["report", "cancel", "silence"])
def test_it_is_over_by_report_by_cancel_or_when_nobody_spoke_of_it_for_long(
    end: str, reader: Reader, hear: Callable[..., None]
) -> None:
    hear("alert", grave())
    assert len(reader.snapshot(NOW_NS, 0).incidents) == 1
    now_ns = NOW_NS
    if end == "report":
        hear(f"report/incident/{INCIDENT}", report(UTC))
    elif end == "cancel":
        hear("alert", {**grave(2), "msgtype": "Cancel"})
    else:
        now_ns += LONGEST_NS + 1
    assert reader.snapshot(now_ns, 0).incidents == ()
    hear("alert", breach(9, 5))
    assert reader.snapshot(now_ns, 0).incidents == (), "a late word opens nothing"


def test_what_has_neither_clock_nor_chain_is_not_shown_and_unsynced_clocks_do_not_count(
    reader: Reader, hear: Callable[..., None]
) -> None:
    hear("alert", alert(5))
    unsynced = grave()
    unsynced["data"]["at"]["synced"] = False
    hear("alert", unsynced)
    (found,) = reader.snapshot(NOW_NS, 0).incidents
    assert found.began_ns == NOW_NS


def test_each_change_is_one_line(reader: Reader, path: Path, hear: Callable[..., None]) -> None:
    changes = Changes(reader, NOW_NS)

    def told() -> list[dict[str, object]]:
        lines = [x for x in changes.others(NOW_NS) if x["event"] in ("clock", "level", "lead")]
        assert json.loads(json.dumps(lines)) == lines
        assert [x for x in changes.others(NOW_NS) if x["event"] != "gate"] == []
        return lines

    hear("alert", grave())
    clock, level = told()
    (found,) = reader.snapshot(NOW_NS, 0).incidents
    assert clock == {"event": "clock", **clock_json(found)}
    assert level == {"event": "level", **level_json(found)}
    assert clock["began_at"] == UTC
    assert (level["level"], level["chain"]) == (
        "station",
        [{"level": each["level"], "after_s": each["after_s"]} for each in CHAIN],
    )
    hear("alert", breach(2, 1))
    (clock,) = told()
    assert clock["stages"][0] == {  # type: ignore[index]
        "stage": 1,
        "limit_s": 60.0,
        "state": "broken",
        "after_s": None,
    }
    hear("alert", grave(3, level="city"))
    (level,) = told()
    assert (level["event"], level["name"]) == ("level", {"en": "City", "zh": "市局"})
    hear(f"report/incident/{INCIDENT}", report(UTC))
    (clock,) = told()
    assert (clock["event"], clock["over"]) == ("clock", True)


def test_a_lead_is_told_from_the_first_person_to_the_second(
    reader: Reader, path: Path, hear: Callable[..., None]
) -> None:
    changes = Changes(reader, NOW_NS)

    def told() -> list[tuple[object, object]]:
        lines = [x for x in changes.others(NOW_NS) if x["event"] == "lead"]
        return [(line["standing"], line["by"]) for line in lines]

    for number in (1, 2, 3):
        hear("alert", lead(number))
    assert told() == [("pending", [])] * 3
    desk = LeadDesk(path, lambda: NOW_NS)
    desk.decide(message_id(1), Word.CONFIRM, "desk-3", "scar", None)
    assert told() == [("first", ["desk-3"])]
    desk.decide(message_id(1), Word.CONFIRM, "desk-4", "gait", None)
    assert told() == [("confirmed", ["desk-3", "desk-4"])]
    desk.decide(message_id(2), Word.REJECT, "desk-3", "no", None)
    assert told() == [("rejected", ["desk-3"])]
    over = fact(9, type="gatehouse.event.lead.expired")
    over["data"]["details"] = {"alert": message_id(3), "kind": "watchlist.face", "after_s": 900.0}
    hear("event", over)
    assert told() == [("expired", [])]
    assert [found.waits for found in reader.snapshot(NOW_NS, 0).leads] == [False] * 3
    assert desk.leads(everything=False) == []
    listed = [row["standing"] for row in desk.leads(everything=True)]
    assert listed == ["expired", "rejected", "confirmed"]
    desk.close()


def test_a_look_for_leads_reads_no_other_alert(path: Path, store: Store) -> None:
    del store
    with closing(open_for_reading(path)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {LEADS_QUERY}")]
    assert plan.pop(0) == "SCAN messages USING INDEX messages_leads"
    assert not [step for step in plan if "SCAN" in step.replace("SCALAR", "")], "pictures by topic"
