"""What the core says to vision, and what comes back to who asked."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from agent.border.gallery_index import GalleryRow, decode_index
from agent.border.messages import (
    Embed,
    Embedded,
    FaceSwitch,
    Gallery,
    PhotoVerdict,
    decode_from_core,
    encode,
)
from agent.core.clock import ManualClock
from agent.core.events import FaceLead, FaceReview
from tests.support.beats import hello, sighting
from tests.support.port import Bench, Play, heard, hung_up, player, turns

NAME = "0a" * 32


@pytest.fixture
def play(tmp_path: Path, clock: ManualClock) -> Play:
    return player(tmp_path, clock)


def test_photos_go_out_and_templates_come_back_to_who_asked(play: Play) -> None:
    answers: list[tuple[Embedded, bytes]] = []

    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        assert bench.port.embed([b"first", b"second!"], lambda *told: answers.append(told))
        packet = heard(channel)
        assert decode_from_core(packet.data) == Embed(1, [5, 7])
        assert packet.beside == b"firstsecond!"
        told = Embedded(1, "dlib", 1, [PhotoVerdict(0), PhotoVerdict(1, "no face")])
        for _ in range(2):
            channel.send(encode(told), b"\0\0\x80?")
        channel.send(encode(Embedded(99, "dlib", 1, [])))
        await turns()
        assert answers == [(told, b"\0\0\x80?")]

    play(story)


@pytest.mark.parametrize("refusal", ["", "the transmission basis ended"])
def test_the_picture_of_a_lead_is_offered_and_named_where_it_is_taken(
    play: Play, refusal: str
) -> None:
    async def story(bench: Bench) -> None:
        bench.refusal = refusal
        channel = await bench.vision(hello())
        channel.send(encode(replace(sighting(0), picture=NAME)), b"a picture")
        await turns()

    bench = play(story)
    (lead,) = bench.events
    assert isinstance(lead, FaceLead)
    assert bench.offered == [(NAME, b"a picture")]
    assert (lead.picture, lead.withheld) == ("" if refusal else NAME, refusal)


@pytest.mark.parametrize("held", [True, False], ids=["pack-for-review", "band"])
def test_no_picture_of_a_likeness_is_taken(play: Play, *, held: bool) -> None:
    """Whatever vision sends along: a review shows nobody."""
    seen = sighting(0, exercise=False) if held else sighting(0, band="review")

    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello(review_only=held))
        channel.send(encode(replace(seen, picture=NAME)), b"a picture")
        await turns()

    bench = play(story)
    (review,) = bench.events
    assert isinstance(review, FaceReview)
    assert (review.lead.picture, bench.offered) == ("", [])


def test_why_there_is_no_picture_is_passed_on(play: Play) -> None:
    async def story(bench: Bench) -> None:
        await bench.vision(hello(), replace(sighting(0), withheld="the blur failed: ValueError"))

    (lead,) = play(story).events
    assert isinstance(lead, FaceLead)
    assert lead.withheld == "the blur failed: ValueError"


def test_an_answer_of_an_earlier_connection_is_not_believed(play: Play) -> None:
    answers: list[object] = []

    async def story(bench: Bench) -> None:
        old = await bench.vision(hello())
        bench.port.embed([b"photo"], lambda *told: answers.append(told))
        old.close()
        await turns()
        new = await bench.vision(hello())
        new.send(encode(Embedded(1, "dlib", 1, [PhotoVerdict(0)])), b"\0\0\x80?")
        await turns()

    play(story)
    assert answers == []


def test_a_gallery_goes_out_with_its_index_and_rows(play: Play) -> None:
    rows = [GalleryRow("w-1", False, 2), GalleryRow("drill-1", True, 1, 1)]
    matrix = struct.pack("<8f", 1, 2, 3, 4, 5, 6, 7, 8)

    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        assert bench.port.gallery(rows, matrix)
        assert bench.port.gallery([], b"")
        packet = heard(channel)
        message = decode_from_core(packet.data)
        assert isinstance(message, Gallery)
        assert (message.generation, message.model_id, message.dim) == (1, "dlib", 2)
        assert decode_index(packet.beside[: message.index_bytes]) == rows
        assert packet.beside[message.index_bytes :] == matrix
        empty = decode_from_core(heard(channel).data)
        assert isinstance(empty, Gallery)
        assert empty.generation == 2

    play(story)


def test_nothing_is_handed_over_while_nobody_is_there(play: Play) -> None:
    async def story(bench: Bench) -> None:
        assert not bench.port.embed([b"photo"], lambda *_: None)
        assert not bench.port.gallery([], b"")
        bench.port.switch_faces(on=False)
        await bench.vision(hello(None))
        assert not bench.port.gallery([], b"")

    play(story)


def test_a_program_that_does_not_read_is_not_waited_for(play: Play) -> None:
    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        handed = [bench.port.embed([b"photo"], lambda *_: None) for _ in range(2000)]
        assert handed[0]
        assert not handed[-1]
        assert len(bench.port._requests) == sum(handed)
        assert not hung_up(channel)

    play(story)


def test_a_program_that_is_gone_is_noticed_when_it_is_spoken_to(play: Play) -> None:
    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        channel.close()
        assert not bench.port.embed([b"photo"], lambda *_: None)
        assert bench.port.hello is None

    assert play(story).gone == 1


def test_faces_are_switched_off_and_on(play: Play) -> None:
    async def story(bench: Bench) -> None:
        channel = await bench.vision(hello())
        bench.port.switch_faces(on=False)
        assert decode_from_core(heard(channel).data) == FaceSwitch(on=False)

    play(story)
