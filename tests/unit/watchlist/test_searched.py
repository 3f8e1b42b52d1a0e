"""What vision is given to search: templates made, the gallery kept in line."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from agent.border.gallery_index import GalleryRow
from agent.core.clock import ManualClock
from contract.words import ListName, Status
from tests.support.signed import DAY_S, PHOTO, listed, template, utc
from tests.support.vision import OTHER, ROW, Bench, RecordingVision, break_disk


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


def test_photos_become_templates_and_templates_are_searched(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock))
    assert [photos for photos, _ in bench.vision.asked] == [[PHOTO]]
    assert bench.vision.searched == []
    bench.vision.answer(ROW)
    assert bench.vision.galleries[-1] == ([GalleryRow("w-1", False, 1)], ROW)
    assert bench.list.list_of("w-1", exercise=False) is ListName.WANTED
    assert [row.state for row in bench.list.listing()] == ["active"]


def test_entries_are_made_one_by_one(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(*[listed(bench.clock, entry_id=name) for name in "abc"])
    for expected in ("a", "b", "c"):
        assert len(bench.vision.asked) == 1
        bench.vision.answer(ROW)
        assert bench.vision.searched[-1] == expected
    assert bench.vision.asked == []


def test_a_list_that_came_before_vision_is_made_when_vision_comes(bench: Bench) -> None:
    bench.apply(listed(bench.clock))
    assert [row.state for row in bench.list.listing()] == ["waiting"]
    bench.list.vision_up(bench.vision, "dlib")
    assert len(bench.vision.asked) == 1


def test_with_faces_off_nothing_is_made_and_nothing_searched(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, None)
    bench.apply(bench.made(), listed(bench.clock, entry_id="b"))
    assert (bench.vision.asked, bench.vision.galleries) == ([], [])


def test_a_vision_that_comes_again_is_told_everything_again(bench: Bench) -> None:
    bench.apply(bench.made(), listed(bench.clock, entry_id="b"))
    bench.list.vision_up(bench.vision, "dlib")
    bench.list.vision_lost()
    bench.vision = RecordingVision()
    bench.list.vision_up(bench.vision, "dlib")
    assert bench.vision.searched == ["w-1"]
    assert len(bench.vision.asked) == 1


def test_what_did_not_reach_vision_is_told_again(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.vision.listens = False
    bench.apply(bench.made(), listed(bench.clock, entry_id="b"))
    assert (bench.vision.searched, bench.vision.asked) == ([], [])
    bench.vision.listens = True
    bench.list.expire()
    assert bench.vision.searched == ["w-1"]
    assert len(bench.vision.asked) == 1


def test_a_gallery_that_did_not_change_is_not_sent_again(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    before = len(bench.vision.galleries)
    for _ in range(3):
        bench.list.expire()
    assert len(bench.vision.galleries) == before


def test_a_corrected_template_of_the_same_entry_is_searched(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    bench.apply(bench.made(templates=[template("dlib", OTHER)]), version=2)
    assert bench.vision.galleries[-1] == ([GalleryRow("w-1", False, 1)], OTHER)


def test_templates_of_another_model_are_not_searched(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "mobilefacenet")
    bench.apply(bench.made())
    assert bench.vision.searched == []
    assert [(row.state, row.templates) for row in bench.list.listing()] == [("resend", 0)]


def test_with_another_model_photos_are_made_anew_and_the_rest_must_be_sent_again(
    bench: Bench,
) -> None:
    told: list[tuple[int, str | None]] = []
    bench.list.on_stranded = lambda entries, model_id: told.append((entries, model_id))
    bench.apply(bench.made(entry_id="a"), listed(bench.clock, entry_id="b"))
    bench.apply(bench.made(entry_id="c"), status="Exercise")
    assert bench.reported[-1].resend == ()
    bench.list.vision_up(bench.vision, "dlib")
    bench.vision.answer(ROW)
    assert bench.vision.searched == ["a", "c", "b"]
    bench.list.vision_lost()
    bench.vision = RecordingVision()
    bench.list.vision_up(bench.vision, "mobilefacenet")
    assert (bench.vision.searched, bench.vision.asked) == ([], [])
    assert told[-1] == (3, "mobilefacenet")
    assert {report.status: report.resend for report in bench.reported[-2:]} == {
        Status.ACTUAL: ("a", "b"),
        Status.EXERCISE: ("c",),
    }
    assert [report.resend for report in bench.list.reports()] == [("a", "b"), ("c",)]
    assert {row.entry_id: row.state for row in bench.list.listing()} == dict.fromkeys(
        "abc", "resend"
    )
    count = len(bench.reported)
    bench.apply(listed(bench.clock, entry_id="a"), listed(bench.clock, entry_id="b"), version=2)
    assert len(bench.reported) == count + 1
    assert bench.reported[-1].resend == ()
    assert told[-1] == (1, "mobilefacenet")
    bench.vision.answer(ROW, model_id="mobilefacenet")
    bench.vision.answer(OTHER, model_id="mobilefacenet")
    assert bench.vision.searched == ["a", "b"]


def test_going_back_to_the_model_before_needs_nothing_from_the_station(bench: Bench) -> None:
    bench.apply(bench.made())
    for model_id, state, resend in (
        ("dlib", "active", ()),
        ("mobilefacenet", "resend", ("w-1",)),
        ("dlib", "active", ()),
        (None, "active", ()),
    ):
        bench.list.vision_up(bench.vision, model_id)
        assert [row.state for row in bench.list.listing()] == [state]
        assert bench.list.applied()[0].resend == resend
        assert bench.reported[-1].resend == resend
        bench.list.vision_lost()


def test_photos_that_are_still_here_are_made_anew_for_another_model(bench: Bench) -> None:
    bench.apply(listed(bench.clock, templates=[template("dlib", ROW)]))
    bench.list.vision_up(bench.vision, "mobilefacenet")
    assert len(bench.vision.asked) == 1
    assert bench.list.applied()[0].resend == ()
    bench.vision.answer(OTHER, model_id="mobilefacenet")
    assert bench.vision.galleries[-1] == ([GalleryRow("w-1", False, 1)], OTHER)


def test_an_entry_that_is_over_is_not_asked_for_again(bench: Bench) -> None:
    bench.apply(bench.made(expires_at=utc(bench.clock, DAY_S)))
    bench.list.vision_up(bench.vision, "mobilefacenet")
    assert "w-1" in bench.reported[-1].resend
    bench.clock.advance(DAY_S)
    bench.list.expire()
    assert not bench.reported[-1].resend


def test_one_template_of_another_size_does_not_spoil_the_gallery(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    odd = bench.made(entry_id="odd", templates=[template("dlib", ROW[:4])])
    bench.apply(odd, bench.made(entry_id="a"), bench.made(entry_id="b"))
    rows = [GalleryRow("a", False, 1), GalleryRow("b", False, 1)]
    assert bench.vision.galleries[-1] == (rows, ROW + ROW)


def test_an_entry_none_of_whose_photos_is_a_face_is_rejected_by_name(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock))
    bench.vision.answer(refused=["no face"])
    assert [(r.entry_id, r.reason) for r in bench.reported[-1].rejected] == [
        ("w-1", "photo 1: no face")
    ]
    assert bench.list.listing() == []


@pytest.mark.parametrize(
    ("rows", "refused", "model_id"),
    [((ROW, ROW), (), "dlib"), ((ROW[:-1],), (), "dlib"), ((ROW,), (), "other")],
)
def test_an_answer_that_does_not_fit_the_question_is_not_used(
    bench: Bench, rows: tuple[bytes, ...], refused: tuple[str, ...], model_id: str
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock))
    bench.vision.answer(*rows, refused=refused, model_id=model_id)
    assert [row.state for row in bench.list.listing()] == ["waiting"]
    bench.list.expire()
    assert len(bench.vision.asked) == 1


def test_templates_that_cannot_be_stored_are_made_again_later(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock))
    break_disk(bench.path)
    bench.vision.answer(ROW)
    assert bench.vision.asked == []
    assert bench.vision.searched == []
    bench.list.expire()
    assert len(bench.vision.asked) == 1


def test_waiting_for_templates_ends_when_they_are_made_and_has_an_end(bench: Bench) -> None:
    async def story() -> list[bool]:
        bench.list.vision_up(bench.vision, "dlib")
        bench.apply(listed(bench.clock))
        ended = []
        await bench.list.made(0.001)
        ended.append(bool(bench.vision.asked))
        waiting = asyncio.create_task(bench.list.made(60))
        await asyncio.sleep(0)
        bench.vision.answer(ROW)
        await waiting
        return [*ended, bool(bench.vision.asked)]

    assert asyncio.run(story()) == [True, False]


def not_them(**fields: Any) -> list[dict[str, Any]]:
    return [{"legal_basis": "their own consent of 2026-11-20", **fields}]


def test_a_look_alike_is_made_with_the_entry_and_searched_with_it(bench: Bench) -> None:
    neighbour = base64.b64encode(PHOTO + b"neighbour").decode("ascii")
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock, not_this_person=not_them(photos=[neighbour])))
    assert [photos for photos, _ in bench.vision.asked] == [[PHOTO, PHOTO + b"neighbour"]]
    bench.vision.answer(ROW, OTHER)
    assert bench.vision.galleries[-1] == ([GalleryRow("w-1", False, 1, 1)], ROW + OTHER)
    assert b"neighbour" not in base64.b64decode(
        json.loads(bench.path.read_text())["entries"]["bytes"]
    )
    assert bench.vision.asked == []


def test_a_look_alike_of_an_entry_that_has_its_templates(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    sent = not_them(templates=[template("dlib", OTHER)])
    bench.apply(bench.made(not_this_person=sent))
    assert bench.vision.galleries[-1] == ([GalleryRow("w-1", False, 1, 1)], ROW + OTHER)
    photo = base64.b64encode(PHOTO).decode("ascii")
    bench.apply(bench.made(not_this_person=not_them(photos=[photo])), version=2)
    assert bench.vision.searched == ["w-1"]
    assert bench.vision.galleries[-1][0][0].look_alikes == 0
    bench.vision.answer(OTHER)
    assert bench.vision.galleries[-1] == ([GalleryRow("w-1", False, 1, 1)], ROW + OTHER)


def test_a_look_alike_that_shows_no_face_leaves_the_entry(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    photo = base64.b64encode(PHOTO).decode("ascii")
    bench.apply(listed(bench.clock, not_this_person=not_them(photos=[photo])))
    bench.vision.answer(ROW, refused=["no-face: no face was found"])
    assert bench.vision.galleries[-1] == ([GalleryRow("w-1", False, 1)], ROW)
    assert bench.vision.asked == []


def test_a_look_alike_needs_a_basis_of_its_own(bench: Bench) -> None:
    photo = base64.b64encode(PHOTO).decode("ascii")
    applied = bench.apply(listed(bench.clock, not_this_person=[{"photos": [photo]}]))
    (rejected,) = applied.rejected
    assert "not_this_person.0.legal_basis' is missing" in rejected.reason
