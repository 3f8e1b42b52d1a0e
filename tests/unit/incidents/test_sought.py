"""What is looked for by order: sightings, likenesses, missing persons, the end by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock, stamp
from agent.core.errors import RefusedError
from agent.core.events import FaceReview
from agent.incidents.book import IncidentBook
from contract.words import Kind, Severity, Status
from tests.support.samples import Numbers
from tests.support.signed import listed, template, utc, watchlist
from tests.support.sought import HOURS_S, MADE, Gate
from tests.support.vision import OTHER, ROW


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    return Gate(tmp_path, clock)


def test_each_sighting_goes_up_with_its_number_and_direction(gate: Gate) -> None:
    gate.track(silent=True)
    gate.see()
    gate.clock.advance(3)
    gate.see()
    gate.see(camera="south")
    gate.begin()
    gate.clock.advance(8)
    gate.see()
    told = gate.sightings()
    assert [(d.device, d.details["sequence"]) for d in told] == [
        ("north", 1),
        ("south", 2),
        ("north", 3),
    ]
    first = told[0]
    assert (first.kind, first.severity, first.status) == (
        Kind.TRACK_SIGHTING,
        Severity.MAJOR,
        Status.ACTUAL,
    )
    assert {n: first.details[n] for n in ("direction", "silent", "lower_threshold", "confirm")} == {
        "direction": "left",
        "silent": True,
        "lower_threshold": False,
        "confirm": "required",
    }
    assert len({d.key for d in told}) == 1, "one incident"
    book = IncidentBook(Numbers().new)
    assert book.raised(first) is not None
    assert (book.open_count, book.shown_incidents) == (1, {}), "silent: not even in the status"
    gate.see("w-2")
    assert len(gate.sightings()) == 3, "nobody ordered that one"


@pytest.mark.parametrize(
    ("lower", "held", "up"), [(True, False, 1), (True, True, 0), (False, False, 0)]
)
def test_a_likeness_goes_up_only_where_the_order_says_so(
    gate: Gate, lower: bool, held: bool, up: int
) -> None:
    gate.track(lower_threshold=lower)
    review = FaceReview(stamp(gate.clock), gate.lead("w-1"), held)
    gate.act(review)
    assert [d.details["lower_threshold"] for d in gate.sightings()] == [True] * up
    assert gate.way.takes(review) is bool(up)


def test_an_order_whose_face_was_lost_ends_aloud(gate: Gate) -> None:
    gate.track()
    (gate.folder / "hotlist.json").unlink()
    gate.begin()
    kind, told = gate.notes()[-1]
    assert (kind, told["why"]) == ("track.ended", "what was kept of it was lost")


def test_what_is_over_is_deleted_without_a_network(gate: Gate) -> None:
    gate.search()
    gate.clock.advance(71 * HOURS_S)
    gate.lists.expire()
    assert len(gate.way.cases) == 1
    gate.clock.advance(HOURS_S)
    gate.lists.expire()
    assert (gate.hot.store.entries, gate.way.cases) == ((), {})
    kind, told = gate.notes()[-1]
    assert (kind, told["why"]) == ("search.ended", "expired")


def test_a_wipe_ends_everything(gate: Gate) -> None:
    gate.track()
    gate.search()
    gate.lists.wipe_hot()
    assert (gate.hot.store.entries, gate.way.cases) == ((), {})


def test_a_missing_person_is_told_mildly_and_urgently(gate: Gate) -> None:
    gate.search()
    gate.see("m-1")
    (told,) = gate.sightings()
    assert (told.kind, told.severity, told.details["list"]) == (
        Kind.MISSING_SIGHTING,
        Severity.MINOR,
        "missing",
    )
    words = (told.text.en + told.text.zh).lower()
    assert not [w for w in ("suspect", "wanted", "criminal", "嫌疑", "通缉", "布控") if w in words]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"consent": ...}, "needs 'consent', or 'authority' and 'case_reference'"),
        ({"consent": ..., "authority": "Cancheng PSB"}, "needs 'consent'"),
        ({"list": "wanted"}, "entry.list"),
        ({"instruction": ...}, "entry.instruction"),
    ],
)
def test_a_search_rests_on_consent_or_on_an_order(
    gate: Gate, fields: dict[str, Any], text: str
) -> None:
    with pytest.raises(RefusedError, match=text):
        gate.search(**fields)


def test_a_search_by_an_authority_is_as_good(gate: Gate) -> None:
    gate.search(consent=..., authority="Cancheng PSB", case_reference="M-4")
    entry = gate.hot.entry("m-1", exercise=False)
    assert entry is not None
    assert entry.facts["legal_basis"] == "order of the authority"


def test_a_search_lasts_72_hours_at_most(gate: Gate) -> None:
    with pytest.raises(RefusedError, match="within 72 h after"):
        gate.search(expires_at=utc(gate.clock, 72 * HOURS_S + 1))


def test_somebody_listed_and_followed_is_one_row(gate: Gate) -> None:
    gate.lists.vision_up(gate.vision, "dlib")
    both: dict[str, Any] = {**MADE, "templates": [template("dlib", OTHER)]}
    gate.lists.apply(watchlist(gate.clock, [listed(gate.clock, **MADE)]), drill=None)
    gate.track(**both)
    rows, matrix = gate.vision.galleries[-1]
    assert [(row.entry_id, row.templates) for row in rows] == [("w-1", 2)]
    assert matrix == ROW + OTHER


def test_a_drill_and_the_real_thing_do_not_touch(gate: Gate) -> None:
    gate.track(drill=True, **MADE)
    gate.see(drill=False)
    assert gate.sightings() == []
    gate.see(drill=True)
    assert gate.sightings()[0].status is Status.EXERCISE
    gate.track(**MADE)
    assert len(gate.way.cases) == 2
