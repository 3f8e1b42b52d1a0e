"""The core's end of the border, over its real socket."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from agent.border.gallery_index import GalleryRow
from agent.border.messages import (
    SCORE_BINS,
    Strangers,
    encode,
)
from agent.core.clock import ManualClock
from agent.core.errors import DeviceError
from agent.core.events import CameraChanged, CameraState, FaceLead, FaceReview
from agent.pipeline.vision_watch import Presence
from contract.words import ListName
from rules.watch import lead_details
from tests.support.beats import beat, hello, report, sighting
from tests.support.port import Bench, Play, hung_up, player, turns


@pytest.fixture
def play(tmp_path: Path, clock: ManualClock) -> Play:
    return player(tmp_path, clock)


def test_a_vision_program_is_heard_from_hello_to_goodbye(play: Play) -> None:
    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        assert bench.port.hello == hello()
        assert bench.port.watch.presence is Presence.PRESENT
        channel.close()
        await turns()
        assert bench.port.hello is None

    bench = play(story)
    assert bench.hellos == [hello()]
    assert bench.gone == 1
    assert bench.port.watch.presence is Presence.ABSENT
    assert not bench.path.exists()


def test_cameras_are_followed_by_beats_and_reports(play: Play) -> None:
    async def story(bench: Bench) -> None:
        await bench.vision(
            hello(),
            beat(north=CameraState.OK),
            report("north", CameraState.FROZEN),
            beat(north=CameraState.FROZEN),
            beat(north=CameraState.DARK),
        )

    bench = play(story)
    changes = [(e.camera, e.state) for e in bench.events if isinstance(e, CameraChanged)]
    assert changes == [("north", CameraState.FROZEN), ("north", CameraState.DARK)]
    assert len(bench.beats) == 3


def test_cameras_that_the_gate_does_not_have_are_not_passed_on(play: Play) -> None:
    async def story(bench: Bench) -> None:
        await bench.vision(hello(), beat(north=CameraState.OK, elsewhere=CameraState.LOST))

    bench = play(story)
    assert bench.events == []
    assert [list(told.cameras) for told in bench.beats] == [["north"]]


def test_a_sighting_becomes_a_lead_with_the_time_of_its_frame(
    play: Play, clock: ManualClock
) -> None:
    seen_ns = clock.monotonic_ns()
    clock.advance(0.4)

    async def story(bench: Bench) -> None:
        await bench.vision(hello(), sighting(seen_ns))

    (lead,) = play(story).events
    assert isinstance(lead, FaceLead)
    assert (lead.camera, lead.entry_id, lead.exercise) == ("north", "w-1", True)
    assert (lead.score, lead.threshold, lead.margin) == (0.61, 0.5, 0.1)
    assert (lead.frames, lead.quality, lead.model_id, lead.track) == (3, 0.8, "dlib", 7)
    assert lead.at.monotonic_ns == seen_ns
    assert lead.at.utc == "2026-11-21T08:00:00.000Z"


def test_a_program_is_told_when_the_core_ends(play: Play) -> None:
    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        bench.port.close()
        assert hung_up(channel)

    assert play(story).gone == 1


def test_a_sighting_for_review_is_no_lead(play: Play) -> None:
    async def story(bench: Bench) -> None:
        await bench.vision(hello(), sighting(0, band="review"))

    (seen,) = play(story).events
    assert isinstance(seen, FaceReview)
    assert (seen.lead.entry_id, seen.held) == ("w-1", False)


@pytest.mark.parametrize(("review_only", "leads"), [(True, 0), (False, 1)])
def test_a_pack_for_review_only_gives_no_lead_outside_a_drill(
    play: Play,
    review_only: bool,
    leads: int,
) -> None:
    """Whatever vision says: its word alone sends nothing."""

    async def story(bench: Bench) -> None:
        await bench.vision(hello(review_only=review_only), sighting(0, exercise=False))

    (seen,) = play(story).events
    assert isinstance(seen, FaceLead) is bool(leads)
    assert isinstance(seen, FaceLead) or seen.held  # type: ignore[union-attr]


@pytest.mark.parametrize("review_only", [True, False])
def test_a_drills_lead_goes_out_marked_with_the_pack(play: Play, *, review_only: bool) -> None:
    async def story(bench: Bench) -> None:
        await bench.vision(hello(review_only=review_only), sighting(0, exercise=True))

    (seen,) = play(story).events
    assert isinstance(seen, FaceLead)
    assert seen.review_only is review_only
    marked = lead_details(seen, ListName.WANTED).get("review_only", False)
    assert marked is review_only


def test_statistics_of_strangers_are_passed_on(play: Play) -> None:
    told = Strangers("dlib", 200, 2000, 60.0, 1.0, 0.5, 0.1, 0.0, [1] * SCORE_BINS)
    found: list[Strangers] = []

    async def story(bench: Bench) -> None:
        bench.port._on_strangers = found.append
        await bench.vision(hello(), told)

    play(story)
    assert found == [told]


def test_a_gallery_is_settled_when_a_beat_says_that_it_is_in_use(play: Play) -> None:
    told: list[str] = []

    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        assert bench.port.gallery([GalleryRow("w-1", False, 1)], b"\0\0\x80?")
        bench.port.settle(lambda: told.append("first"))
        assert bench.port.gallery([], b"")
        bench.port.settle(lambda: told.append("second"))
        for generation, expected in ((0, []), (1, ["first"]), (2, ["first", "second"])):
            channel.send(encode(dataclasses.replace(beat(), generation=generation)))
            await turns()
            assert told == expected
        bench.port.settle(lambda: told.append("never"))
        channel.close()
        await turns()
        await bench.vision(hello(), dataclasses.replace(beat(), generation=0))

    play(story)
    assert told == ["first", "second"]


def test_a_wrong_word_ends_the_connection_and_the_next_one_is_heard(play: Play) -> None:
    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        channel.send(b'{"message":"open the door"}')
        await turns()
        assert hung_up(channel)
        assert bench.port.hello is None
        await bench.vision(hello("other"))
        assert bench.port.hello == hello("other")

    assert play(story).gone == 2


def test_a_newer_program_takes_the_place_of_an_older_one(play: Play) -> None:
    async def story(bench: Bench) -> None:
        old = await bench.vision(hello("old"))
        await bench.vision(hello("new"))
        assert hung_up(old)
        assert bench.port.hello == hello("new")

    assert [each.model_id for each in play(story).hellos] == ["old", "new"]


def test_a_flood_of_words_lets_the_loop_have_its_turn(play: Play) -> None:
    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        for _ in range(150):
            channel.send(encode(sighting(0)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert 0 < len(bench.events) < 150
        await turns()
        assert len(bench.events) == 150

    play(story)


def test_a_silent_program_is_noticed_by_the_ports_own_task(play: Play, clock: ManualClock) -> None:
    async def story(bench: Bench) -> None:
        await bench.vision(hello(), beat(north=CameraState.OK))
        clock.advance(10)
        task = asyncio.create_task(bench.port.run())
        await turns()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    (change,) = play(story).events
    assert isinstance(change, CameraChanged)
    assert change.state is CameraState.LOST


def test_a_socket_that_cannot_be_made_is_a_device_error(tmp_path: Path, clock: ManualClock) -> None:
    bench = Bench(tmp_path / "none" / "vision.sock", clock)
    with pytest.raises(DeviceError, match=r"vision\.sock cannot be opened"):
        bench.port.open()
