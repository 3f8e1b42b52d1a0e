"""What a capture child and its parent may tell each other, and what a hostile child may try."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest

from devices.capture_link import ChildLink
from devices.capture_wire import (
    MAX_REQUEST,
    Attend,
    Beat,
    CaptureRequest,
    Cause,
    Ended,
    FrameReady,
    Opening,
    Order,
    Release,
    Report,
    SourceRequest,
    WireError,
    decode_order,
    decode_report,
    decode_request,
    encode,
    encode_request,
)

BEAT = Beat(250, 50, 3, 1, 1920, 1080, 101.5, 40.25, 2.5, 0.0, 0.125)
FRAME = FrameReady(7, 1, 123_456_789, 1920, 1080, 0.03)
REQUEST = CaptureRequest(
    source=SourceRequest("rtsp", "rtsp://10.0.0.9/cam", username="u", password="s3cret"),
    fps=5.0,
    mask=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.25)),),
    motion_area=0.002,
    hold_s=5.0,
    slots=2,
    slot_bytes=4096,
)


@pytest.mark.parametrize(
    "report", [BEAT, FRAME, Opening("landlock seccomp"), Ended(Cause.LOGIN, "no")]
)
def test_a_report_comes_out_as_it_went_in(report: Report) -> None:
    assert decode_report(encode(report)) == report


@pytest.mark.parametrize("order", [Release(1), Attend(2.5)])
def test_an_order_comes_out_as_it_went_in(order: Order) -> None:
    assert decode_order(encode(order)) == order


def test_a_request_comes_out_as_it_went_in() -> None:
    assert decode_request(encode_request(REQUEST)) == REQUEST


def test_the_largest_mask_that_a_configuration_may_hold_fits_a_request() -> None:
    polygon = tuple((0.123456789 + i / 1000, 0.987654321 - i / 1000) for i in range(64))
    assert len(encode_request(replace(REQUEST, mask=(polygon,) * 32))) <= MAX_REQUEST


def test_a_request_that_is_too_long_is_refused_here_and_not_in_the_child() -> None:
    with pytest.raises(WireError, match="longer than"):
        encode_request(replace(REQUEST, mask=(((0.1, 0.2),) * 64,) * 200))


def test_a_password_never_shows_in_a_repr() -> None:
    assert "s3cret" not in repr(REQUEST)
    assert "s3cret" not in f"{REQUEST.source}"


def hostile(**changes: object) -> bytes:
    body = json.loads(encode(FRAME)) | changes
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"[" * 4000,
        b'{"message":"frame"}',
        b'{"message":"release","slot":1}',
        b'{"message":["frame"]}',
        hostile(slot=-1),
        hostile(slot=True),
        hostile(slot="1"),
        hostile(slot=1.0),
        hostile(width=1 << 63),
        hostile(share=float("nan")),
        hostile(share=float("inf")),
        hostile(share=-0.1),
        hostile(share=1e300),
        hostile(extra=1),
        b'{"message":"opening","confined":"two\\nlines"}',
        b'{"message":"opening","confined":"%s"}' % (b"x" * 301),
        b'{"message":"ended","cause":"because","reason":""}',
        b'{"message":"ended","cause":["login"],"reason":""}',
        b'{"message":"frame","seq":' + b"9" * 4050 + b"}",
    ],
)
def test_what_no_child_may_say_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        decode_report(data)


def test_a_last_word_is_made_printable_and_short() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.setblocking(False)
        ChildLink(theirs).last_word(Ended(Cause.BROKEN, "a\nb\x1b[31m" + "x" * 1000))
        said = decode_report(ours.recv(4096))
    assert said == Ended(Cause.BROKEN, "a?b?[31m" + "x" * 292)
