"""Takes what a stick or folder brings: files known by their SHA-256, and whole pack folders.

Names and places of files do not matter, and nothing else on the stick is touched. What belongs to
a pack that is not complete yet is kept until the rest comes. Not here: making packs
(``models.fetch``).
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import PackError
from models.artefacts import Progress, read_whole
from models.fetch import import_pack, make_pack, members_in
from models.licences import refuse
from models.packs import MANIFEST
from models.sources import SHIPPED, Artefact, Member, Recipe, recipe, recipe_names

BROUGHT = ".brought"
_DEEPEST = 4
_MOST_FILES = 5000
_CHUNK = 1 << 20
_MANIFEST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Added:
    """What came of a stick.

    ``packs`` are ready; ``taken`` files by name with what they are; ``missing`` of packs that were
    begun, the files that are still due; ``refused`` what was left alone, and why.
    """

    packs: tuple[str, ...]
    taken: dict[str, str]
    missing: dict[str, tuple[str, ...]]
    refused: tuple[str, ...]


def add(source: Path, folder: Path, progress: Progress) -> Added:
    """Take what *source*, a file or folder, has for packs in *folder*.

    :class:`PackError` when there is nothing for any pack.
    """
    if not source.exists():
        raise PackError(f"{source} is not there; is the stick mounted?")
    if _is_pack(source):
        return Added((import_pack(source, folder, progress=progress).name,), {}, {}, ())
    whole, files = _found(source)
    packs, spoilt = _imported(whole, folder, progress)
    taken, refused = _take(files, folder, progress)
    refused = [*spoilt, *refused]
    missing: dict[str, tuple[str, ...]] = {}
    for made in _begun(folder, taken):
        due = _due(made, folder)
        if due:
            missing[made.name] = due
            continue
        make_pack(made, folder, functools.partial(_gathered, made, folder), progress)
        packs.append(made.name)
    _clear(folder, missing)
    if not packs and not taken:
        why = "".join(f"\n{one}" for one in refused)
        raise PackError(
            f"{source} holds nothing for a pack ({len(files)} files looked at). Known are the files"
            f" of {', '.join(recipe_names())}, by their SHA-256, and pack folders with a"
            f" {MANIFEST}.{why}"
        )
    return Added(tuple(packs), taken, missing, tuple(refused))


def _is_pack(place: Path) -> bool:
    """True for a folder with a manifest of ours; other programs call files so too."""
    try:
        with (place / MANIFEST).open("rb") as file:
            written = json.loads(file.read(_MANIFEST_BYTES))
    except (OSError, ValueError):
        return False
    return isinstance(written, dict) and {"body", "files"} <= written.keys()


def _imported(places: list[Path], folder: Path, progress: Progress) -> tuple[list[str], list[str]]:
    """Names of the packs brought in, and what is wrong with the others."""
    packs, spoilt = [], []
    for place in places:
        try:
            packs.append(import_pack(place, folder, progress=progress).name)
        except PackError as error:
            spoilt.append(str(error))
    return packs, spoilt


def _found(source: Path) -> tuple[list[Path], list[Path]]:
    """Pack folders, and files, at or below *source*; links are not followed."""
    if source.is_file():
        return [], [source]
    whole: list[Path] = []
    files: list[Path] = []
    for root, names, found in os.walk(source):
        place = Path(root)
        deep = len(place.relative_to(source).parts) >= _DEEPEST
        packed = [name for name in names if _is_pack(place / name)]
        whole += [place / name for name in sorted(packed)]
        names[:] = [] if deep else sorted(set(names) - set(packed))
        files += [place / name for name in sorted(found) if not (place / name).is_symlink()]
        if len(files) > _MOST_FILES:
            raise PackError(f"{source} holds more than {_MOST_FILES} files; name the folder in it")
    return whole, files


def _known() -> Iterator[tuple[Recipe, Artefact | Member]]:
    """All files that a pack can be made of: artefacts, and what is inside them."""
    for name in recipe_names():
        made = recipe(name)
        yield from ((made, artefact) for artefact in made.artefacts.values())
        yield from ((made, m) for m in made.members.values() if m.artefact != SHIPPED)


def _take(files: list[Path], folder: Path, progress: Progress) -> tuple[dict[str, str], list[str]]:
    """Keep the known ones under their hash; what they are by name, and what is refused."""
    known = {one.sha256: f"{made.name}: {_called(one)}" for made, one in _known()}
    sizes = {one.bytes for _, one in _known()}
    taken: dict[str, str] = {}
    refused = []
    for number, path in enumerate(files):
        progress("look through", number / len(files))
        try:
            refuse(path.name, "")
            if path.stat().st_size not in sizes:
                continue
            digest = _kept(path, folder, known)
        except (OSError, PackError) as error:
            refused.append(str(error))
            continue
        if digest:
            taken[path.name] = known[digest]
    progress("look through", 1.0)
    return taken, refused


def _kept(path: Path, folder: Path, known: dict[str, str]) -> str:
    """Copy a file and hash the copy; its hash if it is a known one, which then stays."""
    place = folder / BROUGHT
    place.mkdir(parents=True, exist_ok=True)
    fresh = place / "new"
    shutil.copyfile(path, fresh)
    digest = hashlib.sha256()
    with fresh.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    found = digest.hexdigest()
    if found not in known:
        fresh.unlink()
        return ""
    fresh.rename(place / found)
    return found


def _called(one: Artefact | Member) -> str:
    return one.file if isinstance(one, Artefact) else Path(one.path).name


def _begun(folder: Path, taken: dict[str, str]) -> list[Recipe]:
    """The packs of which something has come now."""
    if not taken:
        return []
    begun = {made.name for made, one in _known() if (folder / BROUGHT / one.sha256).is_file()}
    return [recipe(name) for name in sorted(begun)]


def _due(made: Recipe, folder: Path) -> tuple[str, ...]:
    """The artefacts of which a member is still missing."""
    missing = {m.artefact for m in made.members.values() if not _at(made, m, folder)}
    return tuple(
        f"{one.file} (SHA-256 {one.sha256})"
        for one in made.artefacts.values()
        if one.name in missing
    )


def _at(made: Recipe, member: Member, folder: Path) -> Path | None:
    """Where a member was brought: alone, or in its artefact; the program brings its own texts."""
    if member.artefact == SHIPPED:
        return folder
    hashes = (member.sha256, made.artefacts[member.artefact].sha256)
    places = [folder / BROUGHT / one for one in hashes]
    return next((place for place in places if place.is_file()), None)


def _gathered(made: Recipe, folder: Path, _scratch: Path) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    for member in made.members.values():
        path = _at(made, member, folder)
        if path is None or member.artefact == SHIPPED:
            continue
        artefact = made.artefacts[member.artefact]
        if path.name == member.sha256:
            parts |= read_whole(path, [member])
        else:
            parts |= members_in(artefact, path, [member])
    return parts


def _clear(folder: Path, missing: dict[str, tuple[str, ...]]) -> None:
    """Forget what is in a pack by now; keep what waits for more."""
    place = folder / BROUGHT
    waiting = {one.sha256 for made, one in _known() if made.name in missing}
    if place.is_dir():
        for path in place.iterdir():
            if path.name not in waiting:
                path.unlink()
        if not any(place.iterdir()):
            place.rmdir()
