"""From a camera's configuration to the request its capture child gets.

The only place where a camera's password is read: from its file, at each start, so a changed one is
taken up. It goes into the request, which prints without it, and from there into the child's socket.
"""

from __future__ import annotations

from pathlib import Path

from agent.config.schema.vision import Camera, FileSource, RtspSource, UsbSource
from agent.core.errors import DeviceError
from devices.capture_wire import CaptureRequest, SourceRequest
from devices.frames import Layout

HOLD_S = 5.0  # frames keep coming so long after the last motion
_MAX_PASSWORD = 1024
_BEFORE_STALL = 0.8  # the child's own time-outs strike before the parent's


def request_for(camera: Camera, hold_s: float = HOLD_S) -> CaptureRequest:
    """The request; DeviceError when the password's file cannot be used."""
    layout = Layout()
    return CaptureRequest(
        source=_source(camera.source, min(camera.stall_s * _BEFORE_STALL, camera.stall_s - 1)),
        fps=camera.fps,
        mask=tuple(tuple((x, y) for x, y in polygon) for polygon in camera.mask),
        motion_area=camera.motion_area,
        hold_s=hold_s,
        slots=layout.slots,
        slot_bytes=layout.slot_bytes,
    )


def _source(source: RtspSource | UsbSource | FileSource, most_s: float) -> SourceRequest:
    if isinstance(source, FileSource):
        return SourceRequest("file", str(source.path), loop=source.loop)
    if isinstance(source, UsbSource):
        return SourceRequest(
            "usb",
            source.device,
            read_timeout_s=most_s,
            width=source.width,
            height=source.height,
        )
    password = "" if source.password_file is None else _password(source.password_file)
    return SourceRequest(
        "rtsp",
        source.url,
        username=source.username or "",
        password=password,
        open_timeout_s=source.open_timeout_s,
        read_timeout_s=min(source.read_timeout_s, most_s),
    )


def _password(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DeviceError(f"the password file {path} cannot be read: {error.strerror}") from error
    try:
        password = data.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DeviceError(f"the password file {path} is no UTF-8 text") from error
    if not 0 < len(password) <= _MAX_PASSWORD or not password.isprintable():
        raise DeviceError(f"the password file {path} has to hold one line of text")
    return password
