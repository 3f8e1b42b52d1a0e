"""From the configuration to the request, around the password, and what the decoder's words mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from agent.config.schema.vision import Camera
from agent.core.errors import DeviceError
from devices.capture_request import request_for
from devices.capture_wire import Cause, Ended, SourceRequest
from devices.preflight import decoder_environment, diagnosis, host_and_port, obstacle, with_login

SECRET = "p@ss:w/rd?#%20 é"


def camera(source: dict[str, Any], **changes: Any) -> Camera:
    body = {"source": source, "where": "north-gate", "name": "North", **changes}
    return Camera.model_validate(body)


def rtsp(folder: Path, content: bytes, **changes: Any) -> Camera:
    secret = folder / "password"
    secret.write_bytes(content)
    login = {"username": "ad min", "password_file": str(secret)}
    source = {"type": "rtsp", "url": "rtsp://10.0.0.9:8554/live?ch=1", **login}
    return camera(source, **changes)


def test_an_rtsp_camera(tmp_path: Path) -> None:
    request = request_for(rtsp(tmp_path, SECRET.encode() + b"\r\n", fps=3.0))
    assert request.source.target == "rtsp://10.0.0.9:8554/live?ch=1"
    assert request.source.password == SECRET
    assert request.fps == 3.0
    parts = urlsplit(with_login(request.source))
    assert unquote(parts.username or "") == "ad min"
    assert unquote(parts.password or "") == SECRET
    assert (parts.hostname, parts.port) == ("10.0.0.9", 8554)


def test_the_password_is_read_anew_each_time(tmp_path: Path) -> None:
    config = rtsp(tmp_path, b"old")
    assert request_for(config).source.password == "old"
    (tmp_path / "password").write_bytes(b"new\n")
    assert request_for(config).source.password == "new"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"two\nlines", b"x" * 1025])
def test_a_password_file_that_cannot_be_one(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DeviceError, match="password file") as caught:
        request_for(rtsp(tmp_path, content))
    assert not content or content.decode("latin-1") not in str(caught.value)


def test_a_missing_password_file_names_the_file(tmp_path: Path) -> None:
    config = rtsp(tmp_path, b"x")
    (tmp_path / "password").unlink()
    with pytest.raises(DeviceError, match="password cannot be read: No such file"):
        request_for(config)


def test_the_childs_time_outs_strike_before_the_parents(tmp_path: Path) -> None:
    for stall_s in (2.0, 5.0, 10.0, 120.0):
        request = request_for(rtsp(tmp_path, b"x", stall_s=stall_s))
        assert 1.0 <= request.source.read_timeout_s < stall_s
    assert request.source.read_timeout_s == 10.0


def test_usb_and_file_cameras(tmp_path: Path) -> None:
    usb = request_for(camera({"type": "usb", "device": "/dev/video0", "width": 640, "height": 480}))
    assert (usb.source.type, usb.source.width, usb.source.height) == ("usb", 640, 480)
    file = request_for(camera({"type": "file", "path": str(tmp_path / "x.mp4"), "loop": False}))
    assert (file.source.type, file.source.loop) == ("file", False)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("rtsp://cam", ("cam", 554)),
        ("rtsp://[fd00::9]:8554/x", ("fd00::9", 8554)),
    ],
)
def test_where_a_url_leads(url: str, where: tuple[str, int]) -> None:
    assert host_and_port(url) == where


@pytest.mark.parametrize("url", ["rtsp:///x", "rtsp://cam:99999/x", "rtsp://cam:port/x"])
def test_urls_that_lead_nowhere(url: str) -> None:
    ended = obstacle(SourceRequest("rtsp", url))
    assert ended is not None
    assert ended.cause is Cause.UNREACHABLE


def test_files_and_devices_that_cannot_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    assert obstacle(SourceRequest("file", str(file))) == Ended(
        Cause.NO_STREAM, "a.mp4: No such file or directory"
    )
    assert obstacle(SourceRequest("file", str(tmp_path))) == Ended(
        Cause.NO_STREAM, f"{tmp_path.name} is no file"
    )
    file.touch()
    assert obstacle(SourceRequest("file", str(file))) is None
    assert obstacle(SourceRequest("usb", str(file))) == Ended(Cause.NO_STREAM, "a.mp4 is no device")
    assert obstacle(SourceRequest("usb", "/dev/null")) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.touch(mode=0o000)
    assert obstacle(SourceRequest("file", str(file))) == Ended(
        Cause.NO_STREAM, "a.mp4: no permission to read it"
    )


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("[rtsp @ 0x55] method DESCRIBE failed: 401 (Unauthorized)", Cause.LOGIN),
        ("[rtsp @ 0x55] method DESCRIBE failed: 404 (Not Found)", Cause.NO_STREAM),
        ("[tcp @ 0x55] Connection to tcp://u:s3cret@cam failed: Connection refused", "unreachable"),
        ("[mov @ 0x1] moov atom not found\n401 ", Cause.NOT_VIDEO),
        ("interrupt_callback Stream timeout triggered after 4011 ms", Cause.SILENT),
    ],
)
def test_known_complaints_become_our_words(words: str, cause: str) -> None:
    known = diagnosis(words)
    assert known is not None
    assert known.cause == cause
    assert "s3cret" not in known.reason


def test_unknown_complaints_say_nothing() -> None:
    assert diagnosis("[h264 @ 0x5] error while decoding MB 3 4, bytestream -5") is None
    assert diagnosis("") is None


@pytest.mark.parametrize("kind", ["rtsp", "file", "usb"])
def test_nothing_secret_stands_in_the_environment(kind: str) -> None:
    source = SourceRequest(kind, "rtsp://cam/x", username="u", password="s3cret")
    settings = decoder_environment(source)
    assert "s3cret" not in repr(settings)
    assert "protocol_whitelist;" in settings["OPENCV_FFMPEG_CAPTURE_OPTIONS"]


def test_no_camera_may_speak_another_protocol() -> None:
    def allowed(kind: str, target: str) -> str:
        options = decoder_environment(SourceRequest(kind, target))["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
        return dict(pair.split(";", 1) for pair in options.split("|"))["protocol_whitelist"]

    assert allowed("rtsp", "rtsp://cam") == "tcp"
    assert allowed("file", "/x.mp4") == "file"
