"""What came of real leads is counted, once each."""

from __future__ import annotations

from dataclasses import replace

from agent.core.clock import ManualClock
from agent.core.ids import AlertId, IncidentId
from contract.words import Status
from tests.support.ways import Life
from tests.unit.incidents.test_leads import alert, decide, leads


def test_what_persons_decided_on_real_leads_is_counted(clock: ManualClock) -> None:
    heard: list[bool] = []
    made = leads(clock)
    made.knows = replace(made.knows, decided=heard.append)
    life = Life([made], clock)
    for name, verdict, persons in (
        ("a-1", "confirm", ("desk-1", "desk-2")),
        ("a-2", "reject", ("desk-1",)),
        ("a-3", "confirm", ("desk-1",)),
    ):
        alert(life, name, incident=IncidentId(name), alert=AlertId(name))
        decide(life, verdict, *persons, name=name, cmd=f"c-{name}")
    alert(life, "drill", status=Status.EXERCISE)
    decide(life, "reject", "desk-1", name="drill", cmd="c-drill", drill=True)
    assert heard == [True, False]
