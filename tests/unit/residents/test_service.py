"""Residents over time: gone when their time is over, and each deletion is proven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from agent.core.errors import CheckFailedError
from agent.files.key_file import Credentials
from agent.residents.record import Consent, Resident
from agent.residents.service import Residents
from agent.vault import RESIDENTS
from tests.support.audit import Recorder
from tests.support.residents import DAY_NS, ROW

DAY_S = 86_400.0
Story = Callable[[Residents], Coroutine[Any, Any, Any]]


class Gate:
    """Lives of one gate's residents, each on a loop of its own."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.folder = folder / RESIDENTS
        self.clock = clock
        self.audit = Recorder()

    def live(self, story: Story) -> Any:
        made = Residents(self.folder, self.clock, self.audit, Credentials())
        return asyncio.run(story(made))

    def enrol(self, resident_id: str = "r-1", days: int = 30) -> None:
        async def story(residents: Residents) -> None:
            seed = await residents.seed()
            await residents.enrol(self.resident(resident_id, seed.name, days), "uid 0")

        self.live(story)

    def resident(self, resident_id: str, transform: str, days: int = 30) -> Resident:
        now_ns = self.clock.utc_ns()
        return Resident(
            resident_id,
            "陈小明",
            "3-1201",
            "north",
            Consent("office-4", "v2", now_ns),
            now_ns + days * DAY_NS,
            {f"any@1~{transform}": [ROW]},
        )

    def ids(self) -> list[str]:
        async def story(residents: Residents) -> list[str]:
            found, _ = await residents.everybody()
            return [one.resident_id for one in found]

        ids: list[str] = self.live(story)
        return ids

    def deletions(self) -> list[tuple[str, object, object]]:
        notes = [(who, what) for kind, who, what in self.audit.notes if kind is AuditKind.DELETION]
        return [(who, what["entry"], what.get("reason")) for who, what in notes]


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    return Gate(tmp_path, clock)


def test_whose_time_is_over_goes_by_itself_without_a_network(gate: Gate) -> None:
    gate.enrol("r-1", 30)
    gate.enrol("r-2", 60)
    gate.clock.advance(29 * DAY_S)
    assert gate.ids() == ["r-1", "r-2"]
    gate.clock.advance(2 * DAY_S)
    assert gate.ids() == ["r-2"]
    assert gate.deletions() == [("expiry", "r-1", "expired")]
    assert len(list(gate.folder.glob("*.resident"))) == 1


def test_a_clock_that_is_years_ahead_and_unsynced_destroys_nobody(gate: Gate) -> None:
    gate.enrol()
    gate.clock.set_synced(synced=False)
    gate.clock.step(3650 * DAY_S)
    assert gate.ids() == ["r-1"]
    gate.clock.set_synced(synced=True)
    assert gate.ids() == []


def test_a_withdrawal_has_a_receipt_and_stands_in_the_audit_log(gate: Gate) -> None:
    gate.enrol()
    receipt = gate.live(lambda residents: residents.withdraw("r-1", "uid 0"))
    assert (receipt.resident_id, receipt.reason) == ("r-1", "consent withdrawn")
    assert (receipt.at_ns, len(receipt.sha256)) == (gate.clock.utc_ns(), 64)
    kind, who, what = gate.audit.notes[-1]
    assert (kind, who) == (AuditKind.DELETION, "uid 0")
    assert what == {
        "store": "residents",
        "entry": "r-1",
        "reason": "consent withdrawn",
        "sha256": receipt.sha256,
    }
    with pytest.raises(CheckFailedError, match="no resident 'r-1'"):
        gate.live(lambda residents: residents.withdraw("r-1", "uid 0"))


def test_a_withdrawal_that_a_kill_cut_short_is_proven_at_the_next_look(gate: Gate) -> None:
    gate.enrol()
    (path,) = gate.folder.glob("*.resident")
    path.rename(path.with_suffix(".gone"))
    assert gate.ids() == []
    assert gate.deletions() == [("gate", "r-1", "cut short before")]


def test_templates_under_another_transform_are_refused(gate: Gate) -> None:
    async def story(residents: Residents) -> None:
        await residents.enrol(gate.resident("r-1", "0" * 16), "uid 0")

    with pytest.raises(CheckFailedError, match="another transform"):
        gate.live(story)
    assert gate.ids() == []


def test_pages_of_templates_name_everybody_once(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.residents.service.PAGE", 2)
    for number in range(5):
        gate.enrol(f"r-{number}")

    async def story(residents: Residents) -> list[list[str]]:
        kept_as = f"any@1~{(await residents.seed()).name}"
        pages, after = [], ""
        while page := await residents.templates(kept_as, after):
            assert all(list(rows) == [ROW] for _, rows in page)
            pages.append([resident_id for resident_id, _ in page])
            after = pages[-1][-1]
        return pages

    assert gate.live(story) == [["r-0", "r-1"], ["r-2", "r-3"], ["r-4"]]


def test_a_wipe_takes_everybody_and_the_next_life_begins_anew(gate: Gate) -> None:
    gate.enrol()

    async def story(residents: Residents) -> tuple[str, str]:
        before = (await residents.seed()).name
        residents.wipe()
        assert not gate.folder.exists()
        return before, (await residents.seed()).name

    before, after = gate.live(story)
    assert before != after
    assert gate.ids() == []
    assert gate.deletions() == [("station", "all", None)]
