"""Downloads a pinned file over HTTPS, from its own host or from a mirror, and goes on where it was.

Certificates are always verified, by the system's authorities or by one that is named; the hash is
pinned besides, so a mirror need not be trusted with more than being there. Not here: the package
index (``models.artefacts``), what becomes of the file (``models.fetch``).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agent.core.errors import PackError
from models.artefacts import Progress, check, need_room
from models.sources import Artefact

MIRROR_ENV = "GATEHOUSE_MODELS_MIRROR"
PARTIAL = ".partial"
_CHUNK = 1 << 18
_TIMEOUT_S = 30.0
_ATTEMPTS = 3
_ROOM_FACTOR = 3
_PARTIAL_CONTENT = 206
_RANGE_REFUSED = 416
_BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Web:
    """Where files come from: ``mirror`` stands for the host of every address; ``ca`` a PEM file."""

    mirror: str = ""
    ca: Path | None = None
    timeout_s: float = _TIMEOUT_S

    def __post_init__(self) -> None:
        """A mirror is an https address, with or without a path, and nothing more."""
        if self.mirror:
            parts = urllib.parse.urlsplit(self.mirror)
            odd = parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname
            if parts.scheme != "https" or odd:
                raise PackError(
                    f"the mirror {self.mirror!r} is no https address like https://mirror.example"
                )

    def address(self, url: str) -> str:
        """Where *url* is fetched from: the mirror and the path of *url*."""
        if not self.mirror:
            return url
        return self.mirror.rstrip("/") + urllib.parse.urlsplit(url).path


def web_from(mirror: str | None, configured: str | None, ca: Path | None) -> Web:
    """The mirror that the command names, else the environment, else the configuration."""
    return Web(mirror or os.environ.get(MIRROR_ENV) or configured or "", ca)


def fetch_file(artefact: Artefact, folder: Path, web: Web, progress: Progress) -> Path:
    """The artefact's file, checked, below *folder*; :class:`PackError` says what to do.

    What arrived stays there when the line breaks: the next attempt asks only for the rest.
    """
    partial = folder / PARTIAL
    path = partial / artefact.sha256
    try:
        partial.mkdir(parents=True, exist_ok=True)
        need_room(folder, artefact.bytes * _ROOM_FACTOR)
        opener = _opener(web)
        url = web.address(artefact.url)
        for left in reversed(range(_ATTEMPTS)):
            before = _size(path)
            if before == artefact.bytes:
                break
            try:
                _more(opener, url, artefact, path, web, progress)
            except _BROKEN as error:
                if left and _size(path) > before:
                    continue
                raise PackError(_told(artefact, url, error)) from error
    except OSError as error:
        raise PackError(f"{path} cannot be written: {error}") from error
    _proved(artefact, path, url)
    return path


def _opener(web: Web) -> urllib.request.OpenerDirector:
    try:
        context = ssl.create_default_context(cafile=None if web.ca is None else str(web.ca))
    except (OSError, ssl.SSLError) as error:
        raise PackError(f"{web.ca} is no file of certificates: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _OnlyHttps())


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to https alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """None, or the request that follows."""
        if not newurl.startswith("https://"):
            raise urllib.error.URLError(f"it points to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _more(
    opener: urllib.request.OpenerDirector,
    url: str,
    artefact: Artefact,
    path: Path,
    web: Web,
    progress: Progress,
) -> None:
    """Add to *path* what the server has of the rest; all anew when it cannot give a part."""
    have = _size(path)
    if have > artefact.bytes:
        path.unlink()
        have = 0
    request = urllib.request.Request(url, headers={"User-Agent": "gatehouse"})  # noqa: S310 - https, see Web
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = opener.open(request, timeout=web.timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _RANGE_REFUSED:
            path.unlink()
        raise
    with answer:
        goes_on = answer.status == _PARTIAL_CONTENT and _begins(answer.headers) == have
        with path.open("ab" if goes_on else "wb") as file:
            _pour(answer, file, have if goes_on else 0, artefact, progress)
            file.flush()
            os.fsync(file.fileno())


def _pour(
    answer: IO[bytes], file: IO[bytes], have: int, artefact: Artefact, progress: Progress
) -> None:
    """Until the end, or one piece more than is due: a server cannot fill the disk."""
    stage = f"download {artefact.file}"
    while have <= artefact.bytes:
        piece = answer.read(min(_CHUNK, artefact.bytes + 1 - have))
        if not piece:
            break
        file.write(piece)
        have += len(piece)
        progress(stage, min(have / artefact.bytes, 1.0))
    if have < artefact.bytes:
        raise ConnectionError(f"it ended after {have} of {artefact.bytes} bytes")


def _begins(headers: http.client.HTTPMessage) -> int:
    """Where the part that a server sends begins; -1 when it does not say."""
    unit, _, span = (headers.get("Content-Range") or "").partition(" ")
    start = span.partition("-")[0]
    return int(start) if unit == "bytes" and start.isdigit() else -1


def _proved(artefact: Artefact, path: Path, url: str) -> None:
    """A wrong file is not kept: the next attempt would only add to it."""
    try:
        check(artefact, path)
    except PackError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise PackError(f"what {url} gave is not used: {error}") from error


def _told(artefact: Artefact, url: str, error: Exception) -> str:
    plain = isinstance(error, urllib.error.URLError) and not hasattr(error, "code")
    why = getattr(error, "reason", error) if plain else error
    return (
        f"{url} cannot be fetched: {why}. What arrived is kept: run the same command again to go"
        " on. Without a way to that host, name a mirror that has the same path (--mirror, models."
        f"mirror or {MIRROR_ENV}; --ca for its authority), or get {artefact.url} on another"
        f" machine, bring {artefact.file} on a stick and run 'gatehouse models add PATH'"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
