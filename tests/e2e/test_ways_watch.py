"""``station watch`` beside a whole site: clocks, levels, roll-call and leads as they happen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.going import lead
from tests.tools.neighbour import Neighbour
from tests.tools.program import Program, gatehouse, run_to_end
from tests.tools.site import GATE, Site

AREA = "north"
LIMITS = {"self_help_s": 3.0, "mutual_help_s": 60.0, "reinforcement_s": 90.0}
NAMES = {"station": ("Station", "派出所"), "county": ("County", "县局")}
CHAIN = [
    {"level": level, "name": dict(zip(("en", "zh"), NAMES[level], strict=True)), "after_s": s}
    for level, s in (("station", 0.0), ("county", 5.0))
]


class Watch:
    """A ``station watch`` that runs beside; what it printed so far."""

    def __init__(self, site: Site, name: str, *options: str) -> None:
        folder = site.folder / "station"
        command = gatehouse("station", "watch", "--dir", str(folder), *options)
        self._site = site
        self._program = Program(command, site.folder / f"{name}.log")

    def __enter__(self) -> Self:
        self._program.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()

    @property
    def text(self) -> str:
        """Everything."""
        return self._program.log

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The JSON lines of one event."""
        found = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def until(self, event: str, **wanted: object) -> dict[str, Any]:
        """The first line of that event with those values."""

        def found() -> dict[str, Any] | None:
            lines = self.lines(event)
            return next((x for x in lines if wanted.items() <= x.items()), None)

        line: dict[str, Any] = self._site.until(found, 40)
        return line

    def clock(self, *states: str) -> dict[str, Any]:
        """The clock once its stages stand so."""

        def found() -> dict[str, Any] | None:
            clocks = self.lines("clock")
            return next((c for c in clocks if tuple(_states(c)) == states), None)

        line: dict[str, Any] = self._site.until(found, 40)
        return line


def _states(clock: dict[str, Any]) -> list[str]:
    return [stage["state"] for stage in clock["stages"]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    answering = {"sla": LIMITS, "escalation": {"after_s": 60.0, "chain": CHAIN}}
    with Site(tmp_path / "site", answering=answering) as made:
        yield made.start("station", "agent")


def station(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """``gatehouse station``, to its end."""
    return run_to_end(gatehouse("station", *words, "--dir", str(site.folder / "station")))


def test_clock_and_level_are_watched_from_the_press_to_the_report(site: Site) -> None:
    with (
        Watch(site, "json", "--json") as watch,
        Watch(site, "zh", "--lang", "zh") as chinese,
        Watch(site, "en", "--lang", "en") as english,
    ):
        site.until(lambda: watch.lines("watching"), 20)
        site.until(lambda: "watching" in english.text and "watching" in chinese.text, 20)
        alert = site.press("panic-1")
        first = watch.clock("waiting", "waiting", "waiting")
        assert (first["source"], first["incident"], first["kind"]) == (
            GATE,
            alert.incident,
            "panic",
        )
        assert [s["limit_s"] for s in first["stages"]] == [3.0, 60.0, 90.0]
        watch.until("level", incident=alert.incident, level="station")
        watch.clock("broken", "waiting", "waiting")
        raised = watch.until("level", level="county")
        assert (raised["name"], raised["taken_up_by"]) == ({"en": "County", "zh": "县局"}, "")
        site.guard("arrived", "--as", "neighbour", "--who", "liya-2")
        helped = watch.clock("late", "met", "waiting")
        assert helped["stages"][0]["after_s"] == helped["stages"][1]["after_s"] > 3.0
        site.restart_agent()
        assert station(site, "ack", alert.id, "--stage", "seen", "--by", "desk-3").returncode == 0
        watch.until("level", level="county", taken_up_by="desk-3")
        (board,) = [
            json.loads(line)
            for line in station(site, "watch", "--once", "--json").stdout.splitlines()
        ]
        assert _states(board["clocks"][0]) == ["late", "met", "waiting"]
        assert board["levels"][0]["taken_up_by"] == "desk-3"
        shown = station(site, "watch", "--once", "--lang", "zh").stdout
        for part in ("超时到场用时", "5 分钟 剩余", "当前层级 县局", "已由以下人员接手 desk-3"):
            assert part in shown
        site.rest("panic-1")
        watch.until("clock", incident=alert.incident, over=True)
        site.until(lambda: "taken up by desk-3" in english.text, 20)
        assert "1 min LATE (3 s)" in english.text
        assert "Level liya-garden/gate-1 Panic button 紧急按钮" in english.text
        site.until(lambda: "1 分钟 超时未到 (3 s)" in chinese.text, 20)
        assert ": 县局" in chinese.text


def test_the_roll_is_called_live(site: Site) -> None:
    answers = {"areas": [AREA]}
    button = {"type": "answer", "says": "coming", "pin": 20, "where": "desk", "name": "Coming"}
    with (
        Neighbour(site, "school", answering=answers) as school,
        Neighbour(site, "clinic", answering=answers, inputs={"coming-1": button}) as clinic,
        Watch(site, "json", "--json") as watch,
    ):
        site.until(lambda: watch.lines("watching"), 20)
        words = (
            "--text",
            "Help",
            "--text-zh",
            "支援",
            "--kind",
            "panic",
            "--valid",
            "25",
            "--json",
        )
        call_id = json.loads(station(site, "call", AREA, *words).stdout.splitlines()[0])["call_id"]
        assert watch.until("call")["call_id"] == call_id
        for gate in (school, clinic):
            gate.until_waiting("call")
        school.guard("seen", "--who", "guard 5")
        clinic.guard("cannot", "--who", "nurse 2")
        seen = watch.until("answer", gate="school/gate-1", state="seen", who="guard 5")
        assert (seen["call_id"], seen["late"]) == (call_id, False)
        assert seen["after_s"] > 0
        watch.until("answer", gate="clinic/gate-1", state="cannot")
        clinic.ask("sim", verb="press", name="coming-1", for_s=0.15)
        watch.until("answer", gate="clinic/gate-1", state="coming", who="coming-1")
        school.guard("arrived", "--who", "guard 5")
        watch.until("answer", gate="school/gate-1", state="arrived", answered=2)
        over = watch.until("call-over", call_id=call_id)
        assert (over["answered"], over["called"]) == (2, 2)
        states = [(a["gate"], a["state"]) for a in over["answers"]]
        assert sorted(states) == [
            ("clinic/gate-1", "cannot"),
            ("clinic/gate-1", "coming"),
            ("school/gate-1", "arrived"),
            ("school/gate-1", "seen"),
        ]
        site.until(lambda: not clinic.waiting("call"), 10)
        clinic.ask("sim", verb="press", name="coming-1", for_s=0.15)
        unused = watch.until("fact", kind="answer.unused", source=clinic.base)
        assert unused["details"] == {"says": ["coming"], "who": "coming-1", "with": "button"}


def test_an_ack_of_what_was_never_sent_comes_back_to_the_station(site: Site) -> None:
    with Watch(site, "json", "--json") as watch:
        site.until(lambda: watch.lines("watching"), 20)
        ack = {"alert_id": "0197a3b2-4c11-7000-8000-00000000000f", "by": "desk-3"}
        for stage in ("received", "seen"):
            told = {**ack, "stage": stage, "at": "2026-11-21T08:00:00.000Z"}
            site.say("ack", json.dumps(told).encode())
        fact = watch.until("fact", kind="ack.unused")
        assert (fact["details"]["alert"], fact["details"]["stage"]) == (ack["alert_id"], "seen")
        assert (fact["details"]["by"], fact["details"]["reason"]) == ("desk-3", "unexpected")
        watch.until("alert", id=site.panic_works().id)
        assert [f["kind"] for f in watch.lines("fact")].count("ack.unused") == 1


def test_a_lead_waits_for_the_first_and_then_for_the_second_person(site: Site) -> None:
    with Watch(site, "json", "--json") as watch:
        site.until(lambda: watch.lines("watching"), 20)
        made = lead(1)
        site.say("alert", json.dumps(made).encode())
        watch.until("lead", id=made["id"], standing="pending", by=[])
        for by, standing in (("desk-3", "first"), ("desk-4", "confirmed")):
            shown = station(site, "watch", "--once", "--lang", "zh").stdout
            waits_for = "待第一人核实" if standing == "first" else "待第二人核实 desk-3"
            assert waits_for in shown
            told = ("--by", by, "--reason", "scar on the left hand", "--wait", "5")
            station(site, "lead", "confirm", made["id"], *told)
            line = watch.until("lead", id=made["id"], standing=standing)
            assert line["by"][-1] == by
        assert "待第" not in station(site, "watch", "--once", "--lang", "zh").stdout
