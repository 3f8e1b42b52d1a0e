"""Makes model packs: artefacts in, converted, proved, stored. The only writer of pack folders.

A pack appears whole or not at all: it is built in a hidden sibling folder, synced, then renamed
over. Not here: downloading (``models.artefacts``, ``models.web``), converting (``models.convert``),
what a stick brings (``models.stick``).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agent.core.errors import PackError
from models import convert
from models.artefacts import Progress, download, from_folder, read_members, read_whole
from models.fasnet import convert_fasnet
from models.licences import shipped
from models.manifest import Manifest, PackFile, dump_manifest
from models.packs import MANIFEST, Contents, prove, read_pack
from models.sources import SHIPPED, Artefact, Conversion, Member, Recipe, recipe
from models.specs import FileRole
from models.web import Web, fetch_file

GOLDEN = "golden.json"
_CONVERSIONS: dict[Conversion, Callable[[bytes], bytes]] = {
    "centerface": convert.convert_centerface,
    "dlib-landmarks": convert.convert_landmarks,
    "dlib-resnet": convert.convert_resnet,
    "minifasnet": convert_fasnet,
    "none": bytes,
}


_HOSTS = Web()


def _silent(_stage: str, _share: float) -> None:
    """Nobody watches."""


def fetch_pack(
    name: str,
    folder: Path,
    *,
    source: Path | None = None,
    web: Web = _HOSTS,
    progress: Progress = _silent,
) -> Path:
    """Make the pack *name* in *folder*, from the network or from artefacts in *source*.

    A pack that stands there whole is proved and brought up to date without a download, and left
    alone when nothing changed. Who comes second waits for the first.
    *progress* is told a stage and the share of it that is done, 0 to 1. Returns the pack's folder.
    :class:`PackError` says what to do; an older pack then still stands.
    """
    made = recipe(name)
    if made.int8_of:
        raise PackError(
            f"{name} is made here: run 'gatehouse models fetch {made.int8_of}', then 'gatehouse"
            f" models quantize {made.int8_of}'"
        )

    def gather(scratch: Path) -> dict[str, bytes]:
        parts: dict[str, bytes] = {}
        for artefact in made.artefacts.values():
            members = [m for m in made.members.values() if m.artefact == artefact.name]
            if source is None:
                parts |= _downloaded(artefact, members, scratch, web, progress)
            else:
                progress(f"read {artefact.file}", 0.0)
                parts |= members_in(artefact, from_folder(artefact, source), members)
                progress(f"read {artefact.file}", 1.0)
        return parts

    return make_pack(made, folder, gather, progress)


def make_pack(
    made: Recipe,
    folder: Path,
    gather: Callable[[Path], dict[str, bytes]],
    progress: Progress = _silent,
) -> Path:
    """Make a pack of what *gather* brings: its members by id, given a folder for a while."""
    with _scratch(folder) as scratch, _alone(folder):
        contents = _kept(made, folder)
        if contents is None:
            contents = _converted(made, gather(scratch) | _texts(made), progress)
        return _put(made, folder, contents, progress)


def put_pack(made: Recipe, folder: Path, contents: Contents, progress: Progress = _silent) -> Path:
    """Prove and store a pack of ours of its files, made otherwise; the golden answers are added."""
    with _alone(folder):
        return _put(made, folder, contents | _golden(made), progress)


def _put(made: Recipe, folder: Path, contents: Contents, progress: Progress) -> Path:
    manifest = _manifest(made, contents)
    _prove(manifest, contents, folder / made.name, progress)
    if _stands(manifest, folder):
        return folder / made.name
    return store_pack(folder, manifest, contents, progress)


def members_in(artefact: Artefact, path: Path, members: Sequence[Member]) -> dict[str, bytes]:
    """The members in an artefact's file, checked, by id."""
    return read_whole(path, members) if artefact.whole else read_members(path, members)


def _downloaded(
    artefact: Artefact, members: Sequence[Member], scratch: Path, web: Web, progress: Progress
) -> dict[str, bytes]:
    stage = f"download {artefact.file if artefact.whole else artefact.requirement}"
    progress(stage, 0.0)
    if artefact.url:
        path = fetch_file(artefact, scratch.parent, web, progress)
    else:
        path = download(artefact, scratch, progress)
    data = members_in(artefact, path, members)
    path.unlink()
    progress(stage, 1.0)
    return data


def _kept(made: Recipe, folder: Path) -> Contents | None:
    """The files of the pack that stands there, if whole and of the same origins: no download."""
    try:
        manifest, contents = read_pack(folder, made.name)
    except PackError:
        return None
    wanted: dict[str, FileRole] = {part.path: part.role for part in made.parts}
    wanted |= dict.fromkeys(_golden(made), "golden")
    if (
        manifest.body.origins != made.body.origins
        or {file.path: file.role for file in manifest.files} != wanted
    ):
        return None
    return contents | _golden(made)


def _stands(manifest: Manifest, folder: Path) -> bool:
    """True when exactly this pack is there, every hash right."""
    try:
        return read_pack(folder, manifest.body.name)[0] == manifest
    except PackError:
        return False


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time makes packs in *folder*, over processes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def import_pack(source: Path, folder: Path, *, progress: Progress = _silent) -> Path:
    """Bring in a pack made elsewhere: the folder *source*, verified and proved before it counts."""
    source = source.absolute()
    manifest, contents = read_pack(source.parent, source.name)
    _prove(manifest, contents, source, progress)
    return store_pack(folder, manifest, contents, progress)


def store_pack(
    folder: Path, manifest: Manifest, contents: Contents, progress: Progress = _silent
) -> Path:
    """Put a pack into *folder* so that it is there whole, durable, or not at all."""
    name = manifest.body.name
    target, fresh, old = (folder / part for part in (name, f".{name}.new", f".{name}.old"))
    try:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh.mkdir(parents=True)
        files = contents | {MANIFEST: dump_manifest(manifest)}
        for done, (path, data) in enumerate(files.items()):
            progress("store", done / len(files))
            _write(fresh / path, data)
        _sync(fresh)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        _sync(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise PackError(f"the pack cannot be stored in {folder}: {error}") from error
    progress("store", 1.0)
    return target


def _prove(manifest: Manifest, contents: Contents, place: Path, progress: Progress) -> None:
    progress("self-test", 0.0)
    prove(manifest, contents, place)
    progress("self-test", 1.0)


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder for a while, on the disk of the packs: /tmp is often memory on small machines."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=".fetch-", dir=folder))
    except OSError as error:
        raise PackError(
            f"{folder} cannot be written ({error.strerror}); run this as the user who owns it"
        ) from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _converted(made: Recipe, parts: dict[str, bytes], progress: Progress) -> Contents:
    contents: Contents = {}
    for done, part in enumerate(made.parts):
        progress("convert", done / len(made.parts))
        contents[part.path] = _CONVERSIONS[part.convert](parts[part.member])
    progress("convert", 1.0)
    return contents | _golden(made)


def _golden(made: Recipe) -> Contents:
    """The golden answers, if the recipe has any."""
    return {GOLDEN: made.golden} if made.golden else {}


def _texts(made: Recipe) -> dict[str, bytes]:
    """The licence texts that ship with the program, by their members' ids."""
    return {m.id: shipped(m.path) for m in made.members.values() if m.artefact == SHIPPED}


def _manifest(made: Recipe, contents: Contents) -> Manifest:
    roles: dict[str, FileRole] = {part.path: part.role for part in made.parts}
    roles |= {GOLDEN: "golden"}
    files = tuple(
        PackFile(roles[path], path, len(data), hashlib.sha256(data).hexdigest())
        for path, data in contents.items()
    )
    versions = ", ".join(f"{name} {_version(name)}" for name in ("gatehouse", "onnx", "numpy"))
    return Manifest(made.body, files, versions)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
