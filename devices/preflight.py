"""Around the decoder: questions before it is loaded, its settings, what its complaints mean.

A camera that is off, a name that is unknown and a file that is missing are told apart here with a
plain socket or stat, before the picture libraries are even loaded: a dead camera then costs a retry
of milliseconds, and its reason is ours, not a library's. Texts of libraries are only searched for
known signs and never passed on: they may quote a URL, and a URL may carry a password.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from urllib.parse import quote, urlsplit

from devices.capture_wire import Cause, Ended, SourceRequest

DEFAULT_PORT = 554

_SIGNS = (
    ("401 ", Cause.LOGIN, "the camera refuses the user name or password"),
    ("403 ", Cause.LOGIN, "the camera forbids this user to watch"),
    ("404 ", Cause.NO_STREAM, "the camera has no stream at this path"),
    ("454 ", Cause.BROKEN, "the camera ended the session"),
    ("503 ", Cause.UNREACHABLE, "the camera is busy and refuses another viewer"),
    ("Connection refused", Cause.UNREACHABLE, "the camera refuses the connection"),
    ("timeout triggered", Cause.SILENT, "the camera does not answer"),
    ("timed out", Cause.SILENT, "the camera does not answer"),
    ("not on whitelist", Cause.NOT_VIDEO, "the stream asks for a protocol or codec not allowed"),
    ("moov atom not found", Cause.NOT_VIDEO, "the file is no complete video"),
    ("Invalid data", Cause.NOT_VIDEO, "what comes is no video"),
    ("Cannot allocate memory", Cause.TOO_LARGE, "the picture needs more memory than allowed"),
)


def host_and_port(url: str) -> tuple[str, int]:
    """Where an rtsp URL leads; ValueError when it leads nowhere."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("the URL names no host")
    return parts.hostname, parts.port or DEFAULT_PORT


def with_login(source: SourceRequest) -> str:
    """The URL as FFmpeg wants it, login included: never shown, never logged."""
    if not source.username:
        return source.target
    scheme, rest = source.target.split("://", 1)
    login = f"{quote(source.username, safe='')}:{quote(source.password, safe='')}"
    return f"{scheme}://{login}@{rest}"


def obstacle(source: SourceRequest) -> Ended | None:
    """Why *source* cannot be opened, as far as is told without opening it; None when it may.

    Blocks for up to the open timeout of a network camera.
    """
    if source.type == "rtsp":
        return _network_obstacle(source)
    path = Path(source.target)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Ended(Cause.NO_STREAM, f"{path.name}: {os.strerror(error.errno or 0)}")
    if source.type == "usb" and not stat.S_ISCHR(mode):
        return Ended(Cause.NO_STREAM, f"{path.name} is no device")
    if source.type == "file" and not stat.S_ISREG(mode):
        return Ended(Cause.NO_STREAM, f"{path.name} is no file")
    if not os.access(path, os.R_OK):
        return Ended(Cause.NO_STREAM, f"{path.name}: no permission to read it")
    return None


def diagnosis(complaints: str) -> Ended | None:
    """The first known sign in what the decoder complained, in our words; None without one."""
    found = [(complaints.find(sign), Ended(cause, text)) for sign, cause, text in _SIGNS]
    known = [entry for entry in found if entry[0] >= 0]
    return min(known, key=lambda entry: entry[0])[1] if known else None


def decoder_environment(source: SourceRequest) -> dict[str, str]:
    """What OpenCV reads from the environment while it is loaded. Nothing in it is secret."""
    options = {"protocol_whitelist": "file"}
    if source.type == "rtsp":
        options = {
            "rtsp_transport": "tcp",
            "protocol_whitelist": "tcp",
            "codec_whitelist": "h264,hevc,mjpeg,mpeg4",
            "allowed_media_types": "video",
            "analyzeduration": "500000",
        }
    return {
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": "|".join(f"{k};{v}" for k, v in options.items()),
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": str(max(1, round(source.read_timeout_s))),
    }


def _network_obstacle(source: SourceRequest) -> Ended | None:
    try:
        host, port = host_and_port(source.target)
    except ValueError:
        return Ended(Cause.UNREACHABLE, "the camera's URL names no host and port")
    try:
        socket.create_connection((host, port), source.open_timeout_s).close()
    except socket.gaierror:
        return Ended(Cause.UNREACHABLE, f"the name {host} is not known")
    except TimeoutError:
        return Ended(Cause.UNREACHABLE, f"{host} port {port} does not answer")
    except OSError as error:
        return Ended(Cause.UNREACHABLE, f"{host} port {port}: {os.strerror(error.errno or 0)}")
    return None
