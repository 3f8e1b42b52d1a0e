"""The timeline of an incident's report: any change of it is seen at the station."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.incidents.sla_clock import chained
from station.lang import Lang
from station.reports import intact, text_of
from tests.support.samples import at

Report = dict[str, Any]
Change = Callable[[list[dict[str, Any]]], object]


@pytest.fixture
def report(clock: ManualClock) -> Report:
    """As a gate makes it: every line chained to the one before."""
    lines, last = [], ""
    for what, by in (
        ("alert", "gate"),
        ("acked", "desk-3"),
        ("arrived", "badge-7"),
        ("closed", "gate"),
    ):
        clock.advance(20)
        details = {"stage": 1, "who": {"有": "人", "after_s": 1.5}}
        last = chained(last, at(clock), what, by, details)
        lines.append(
            {"at": at(clock).utc, "what": what, "by": by, "details": {**details, "chain": last}}
        )
    return {
        "report_id": "i-1", "kind": "incident", "status": "Actual", "at": at(clock).utc,
        "timeline": json.loads(json.dumps(lines)), "figures": {"chain": last},
    }  # fmt: skip


def test_a_timeline_as_it_was_told_is_intact(report: Report) -> None:
    assert intact(report) is True
    assert "no line below was altered" in text_of(report, Lang.EN)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.pop(0),
        lambda lines: lines.pop(2),
        lambda lines: lines.pop(),
        lambda lines: lines.insert(1, copy.deepcopy(lines[1])),
        lambda lines: lines.reverse(),
        lambda lines: lines[2].update(at="2026-11-22T00:00:00.000Z"),
        lambda lines: lines[2].update(by="badge-8"),
        lambda lines: lines[1].update(what="arrived"),
        lambda lines: lines[1]["details"].update(stage=3),
        lambda lines: lines[1]["details"].pop("chain"),
        lambda lines: lines.clear(),
    ],
)
def test_any_change_shows(report: Report, change: Change) -> None:
    change(report["timeline"])
    assert intact(report) is False
    assert "已被改动" in text_of(report, Lang.ZH)


def test_reports_without_a_chain_say_nothing_of_it(report: Report) -> None:
    del report["figures"]["chain"]
    assert intact(report) is None
    assert "altered" not in text_of(report, Lang.EN)
