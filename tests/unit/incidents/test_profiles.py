"""Profiles: the calendar and its holes, unknown times, the station's order, restarts."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from agent.border.profile import read_profile
from agent.config.schema.answering import Answering
from agent.config.schema.base import Label
from agent.config.schema.guard import PostPace, Shift
from agent.config.schema.profiles import Calendar, CalendarDates, CalendarWindow, Profile
from agent.config.schema.sla import SlaConfig
from agent.core.answers import ProfileOrdered
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Decision, Note, Tell
from agent.core.errors import RefusedError
from agent.core.events import ClockChanged
from agent.incidents.profiles import Profiles
from agent.incidents.settings import Settings
from contract.signing import sign
from contract.words import Role
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, STRANGER, TRUSTED, to_bytes, utc
from tests.support.ways import Life

STRICT = SlaConfig(self_help_s=30.0, mutual_help_s=90.0, reinforcement_s=150.0)
PROFILES = {
    "school-in": Profile(
        name=Label(en="入校", zh="入校"),
        rank=3,
        heartbeat_s=20.0,
        sla=STRICT,
        post=PostPace(every_s=900.0),
        roster=[Shift(who="badge-7")],
    ),
    "normal": Profile(name=Label(en="平时", zh="平时"), rank=1),
    "holiday": Profile(name=Label(en="假期", zh="假期"), rank=2),
}
CALENDAR = Calendar(
    weekly=[
        CalendarWindow(profile="school-in", days=["sat"], start="07:30", end="08:30"),
        CalendarWindow(profile="normal", days=["sat"], start="08:30", end="20:00"),
    ],
    dates=[CalendarDates(profile="holiday", first="2026-11-22", last="2026-11-23")],
)


def way() -> Profiles:
    return Profiles(PROFILES, CALENDAR, UTC)


@pytest.fixture
def clock() -> ManualClock:
    """A Saturday, eight o'clock."""
    return ManualClock("2026-11-21T08:00:00Z")


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([way()], clock)


def ordered(clock: ManualClock, profile: str | None, version: int = 1) -> ProfileOrdered:
    return ProfileOrdered(stamp(clock), profile, version, f"sha256:{profile}{version}")


def changes(decisions: list[Decision]) -> list[tuple[object, object]]:
    return [(d.details["profile"], d.details["by"]) for d in decisions if isinstance(d, Note)]


def reports(decisions: list[Decision]) -> list[dict[str, Any]]:
    return [dict(d.body) for d in decisions if isinstance(d, Tell)]


def standing(life: Life) -> str:
    return str(life.keeper.cases["profile"]["standing"][1])


def test_the_calendar_goes_through_the_day_its_hole_and_a_holiday(clock: ManualClock) -> None:
    life = Life([], clock)
    assert changes(life.begin([way()])) == [("school-in", "weekly")]
    assert changes(life.wait(1799)) == []
    assert changes(life.wait(1)) == [("normal", "weekly")]
    assert changes(life.wait(11.5 * 3600)) == [("school-in", "hole")]
    assert changes(life.wait(4 * 3600)) == [("holiday", "date")]
    assert changes(life.wait(48 * 3600)) == [("school-in", "hole")]


def test_an_unknown_time_is_an_armed_time(clock: ManualClock, life: Life) -> None:
    life.wait(1800)
    clock.set_synced(synced=False)
    lost = ClockChanged(stamp(clock), synced=False)
    assert changes(life.hear(lost)) == [("school-in", "clock")]
    clock.set_synced(synced=True)
    clock.step(86_400)
    found = ClockChanged(stamp(clock), synced=True, step_s=86_400.0)
    assert changes(life.hear(found)) == [("holiday", "date")]


def test_the_stations_order_stands_until_it_is_taken_back(clock: ManualClock, life: Life) -> None:
    decisions = life.hear(ordered(clock, "holiday"))
    assert changes(decisions) == [("holiday", "station")]
    (told,) = reports(decisions)
    assert (told["version"], told["hash"]) == (1, "sha256:holiday1")
    assert changes(life.begin([way()])) == []
    clock.set_synced(synced=False)
    assert changes(life.wait(3600)) == []
    clock.set_synced(synced=True)
    assert life.hear(ordered(clock, "holiday")) == []
    assert changes(life.hear(ordered(clock, None, 2))) == [("normal", "weekly")]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"profile": "night", "version": 9, "digest": "x"}, "unsupported: this gate has no"),
        ({"profile": "normal", "version": 2, "digest": "x"}, "older-version: 2 is not newer than"),
        ({"refused": "bad-signature"}, "bad-signature"),
    ],
)
def test_what_is_refused_is_reported_and_the_standing_one_stays(
    clock: ManualClock, life: Life, event: dict[str, Any], why: str
) -> None:
    life.hear(ordered(clock, "holiday", 2))
    decisions = life.hear(ProfileOrdered(stamp(clock), **event))
    (told,) = reports(decisions)
    assert told["version"] == 2
    assert told["refused"].startswith(why)
    assert changes(decisions) == []


def test_a_gate_without_profiles_says_so(clock: ManualClock) -> None:
    life = Life([Profiles({}, Calendar())], clock)
    assert life.ways.due_ns is None
    (told,) = reports(life.hear(ordered(clock, "normal")))
    assert (told["version"], told["refused"]) == (0, "unsupported: this gate has no profiles")


def test_an_order_for_a_profile_that_is_gone_ends_at_the_next_start(
    clock: ManualClock, life: Life
) -> None:
    life.hear(ordered(clock, "holiday"))
    fewer = {name: p for name, p in PROFILES.items() if name != "holiday"}
    assert changes(life.begin([Profiles(fewer, Calendar(), UTC)])) == [("school-in", "hole")]


def test_a_profile_lies_over_the_configuration() -> None:
    config = Answering()
    current: list[Profile | None] = [None]
    settings = Settings(config, lambda: current[0])
    assert (settings.sla(), settings.post(), settings.heartbeat_s(60)) == (
        config.sla,
        config.post,
        60,
    )
    current[0] = PROFILES["school-in"]
    assert settings.sla() is STRICT
    assert (settings.post().every_s, settings.post().remind_s) == (900.0, 120.0)
    assert [shift.who for shift in settings.post().roster] == ["badge-7"]
    assert settings.heartbeat_s(60) == 20.0
    current[0] = PROFILES["normal"]
    assert (settings.post(), settings.heartbeat_s(60)) == (config.post, 60)


def document(clock: ManualClock, **changes: Any) -> dict[str, Any]:
    return {
        "doc": "profile",
        "version": 3,
        "status": "Actual",
        "node": ADDRESS.client_id,
        "issuer": ADDRESS.station,
        "role": "config",
        "issued_at": utc(clock),
        "entries": [{"profile": "holiday"}],
        **changes,
    }


def test_a_signed_document_is_read(clock: ManualClock) -> None:
    payload = to_bytes(sign(document(clock), KEYS[Role.CONFIG]))
    event = read_profile(payload, TRUSTED, ADDRESS, clock, drill=False)
    assert (event.profile, event.version) == ("holiday", 3)
    back = document(clock, entries=[], empty=True, node="*")
    payload = to_bytes(sign(back, KEYS[Role.CONFIG]))
    assert read_profile(payload, TRUSTED, ADDRESS, clock, drill=False).profile is None
    with pytest.raises(RefusedError, match="not ordered in a drill"):
        read_profile(payload, TRUSTED, ADDRESS, clock, drill=True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"node": "cancheng.liya-garden.gate-2"}, "wrong-node"),
        ({"issuer": "nanhai"}, "unknown-issuer"),
        ({"entries": []}, "empty"),
        ({"entries": [{"profile": "a"}, {"profile": "b"}]}, "malformed"),
        ({"role": "door"}, "malformed"),
    ],
)
def test_other_documents_are_refused(
    clock: ManualClock, changes: dict[str, Any], reason: str
) -> None:
    payload = to_bytes(sign(document(clock, **changes), KEYS[Role.CONFIG]))
    with pytest.raises(RefusedError, match=reason):
        read_profile(payload, TRUSTED, ADDRESS, clock, drill=False)


def test_a_strangers_signature_is_refused(clock: ManualClock) -> None:
    payload = to_bytes(sign(document(clock), STRANGER))
    with pytest.raises(RefusedError, match="bad-signature"):
        read_profile(payload, TRUSTED, ADDRESS, clock, drill=False)
