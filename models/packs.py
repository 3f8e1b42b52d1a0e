"""Model packs on the disk: where they are, loading them verified, checking and listing them.

A file's bytes are read once; those very bytes are hashed, then become the network, so nothing can
be swapped between check and use. A pack that we ship the recipe of must also say what the recipe
says, thresholds included. Not here: making packs (``models.fetch``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import PackError
from agent.core.memory import give_back_memory
from models.aligner import Aligner
from models.detector import Detector, FaceDetector
from models.dlibshape import load_cascade
from models.embedder import Embedder
from models.licences import check_licences
from models.livenet import LivenessNet
from models.manifest import (
    Body,
    DetectorBody,
    LivenessBody,
    Manifest,
    PackFile,
    PlateBody,
    embedder_body,
    parse_manifest,
)
from models.parts import AnyParts, Parts
from models.platenet import PlateNet
from models.selftest import check, parse_golden
from models.sessions import Session
from models.sources import quantized_names, recipe, recipe_names
from models.specs import PackRole
from models.yunet import YuNet

MANIFEST = "manifest.json"
_MANIFEST_BYTES = 1 << 20
_HOME = "GATEHOUSE_HOME"
_SYSTEM_DIR = Path("/var/cache/gatehouse")

Contents = dict[str, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """A loaded embedder pack."""

    manifest: Manifest
    body: Body
    parts: Parts


@dataclass(frozen=True, slots=True, eq=False)
class DetectorPack:
    """A detector and the pack that it came in."""

    manifest: Manifest
    detector: FaceDetector


@dataclass(frozen=True, slots=True, eq=False)
class LivenessPack:
    """A loaded liveness pack."""

    manifest: Manifest
    body: LivenessBody
    net: LivenessNet


@dataclass(frozen=True, slots=True)
class PackState:
    """A line of the list: a pack's name, its manifest, or what is wrong with it."""

    name: str
    manifest: Manifest | None
    fault: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked: files by hash and answers by golden vectors."""

    manifest: Manifest
    files: int
    answers: int


def models_dir(given: Path | None = None) -> Path:
    """Where packs lie: *given*, or below $GATEHOUSE_HOME, or the system's, or the user's cache."""
    if given is not None:
        return given
    home = os.environ.get(_HOME)
    if home:
        return Path(home) / "models"
    if os.geteuid() == 0 or os.access(_SYSTEM_DIR, os.W_OK) or (_SYSTEM_DIR / "models").is_dir():
        return _SYSTEM_DIR / "models"
    return Path.home() / ".cache" / "gatehouse" / "models"


def read_manifest(folder: Path, name: str) -> Manifest:
    """The manifest of the pack *name* in *folder*; :class:`PackError` when there is none."""
    place = folder / name
    if not place.is_dir():
        raise PackError(
            f"there is no model pack {name!r} in {folder}; get it with 'gatehouse models fetch'"
        )
    manifest = parse_manifest(_read(place / MANIFEST, _MANIFEST_BYTES), f"{place / MANIFEST}")
    if manifest.body.name != name:
        raise PackError(f"the pack in {place} calls itself {manifest.body.name!r}")
    return manifest


def read_pack(folder: Path, name: str) -> tuple[Manifest, Contents]:
    """The manifest and the verified bytes of every file, by path; :class:`PackError` otherwise."""
    manifest = read_manifest(folder, name)
    return manifest, {file.path: _verified(folder / name, file) for file in manifest.files}


def load_pack(folder: Path, name: str, threads: int = 1) -> Pack:
    """Verify, open and self-test an embedder pack; :class:`PackError` naming file and remedy.

    One file at a time is in memory besides its network.
    """
    manifest, parts = _load(folder, name, "embedder", threads)
    if not isinstance(parts, Parts):
        raise TypeError(f"an embedder pack made {type(parts).__name__}")
    return Pack(manifest, embedder_body(manifest.body, name), parts)


def load_detector(folder: Path, name: str, threads: int = 1) -> DetectorPack:
    """Verify, open and self-test a detector pack; of an embedder pack its own detector."""
    manifest = read_manifest(folder, name)
    if isinstance(manifest.body, Body):
        own = load_pack(folder, name, threads).parts.detector
        if own is None:
            raise PackError(f"the pack {name!r} carries no detector; fetch one: yunet")
        return DetectorPack(manifest, own)
    manifest, parts = _load(folder, name, "detector", threads)
    if isinstance(parts, Parts | LivenessNet | PlateNet):
        raise TypeError(f"a detector pack made {type(parts).__name__}")
    return DetectorPack(manifest, parts)


def load_liveness(folder: Path, name: str, threads: int = 1) -> LivenessPack:
    """Verify, open and self-test a liveness pack; :class:`PackError` naming file and remedy."""
    manifest, parts = _load(folder, name, "liveness", threads)
    if not isinstance(parts, LivenessNet) or not isinstance(manifest.body, LivenessBody):
        raise TypeError(f"a liveness pack made {type(parts).__name__}")
    return LivenessPack(manifest, manifest.body, parts)


def _load(folder: Path, name: str, role: PackRole, threads: int) -> tuple[Manifest, AnyParts]:
    manifest = read_manifest(folder, name)
    found = manifest.body.role
    if found != role:
        raise PackError(f"the pack {name!r} is for the role {found!r}; here {role!r} is due")
    check_licences(manifest)
    golden = _golden(manifest, lambda file: _verified(folder / name, file))
    check_recipe(manifest, golden, folder / name)
    parts = assemble(manifest, lambda file: _verified(folder / name, file), threads)
    _check(parts, golden, name)
    give_back_memory()
    return manifest, parts


def verify_pack(folder: Path, name: str) -> Verified:
    """Hashes and golden answers of a pack; :class:`PackError` when one is wrong."""
    manifest, contents = read_pack(folder, name)
    answers = prove(manifest, contents, folder / name)
    return Verified(manifest, len(contents), answers)


def prove(manifest: Manifest, contents: Contents, place: Path) -> int:
    """Licences, our recipe if it is ours, golden answers on the bytes; how many answers.

    *place* is how errors call the pack. 0 for a pack that says why nothing proves it.
    """
    check_licences(manifest)
    golden = _golden(manifest, lambda file: contents[file.path])
    check_recipe(manifest, golden, place)
    parts = assemble(manifest, lambda file: contents[file.path])
    return _check(parts, golden, manifest.body.name)


def _golden(manifest: Manifest, read: Callable[[PackFile], bytes]) -> bytes:
    return b"" if manifest.body.unproved else read(manifest.file("golden"))


def _check(parts: AnyParts, golden: bytes, name: str) -> int:
    return check(parts, parse_golden(golden, f"{name}: golden answers"), name) if golden else 0


def list_packs(folder: Path) -> list[PackState]:
    """Every pack in *folder* with its state by manifest and sizes; hashes are not computed."""
    states = []
    names = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    for name in names:
        if name.startswith("."):
            continue
        try:
            where = folder / name / MANIFEST
            manifest = parse_manifest(_read(where, _MANIFEST_BYTES), str(where))
            short = [f.path for f in manifest.files if _size(folder / name / f.path) != f.bytes]
            fault = f"missing or cut short: {', '.join(short)}" if short else ""
            states.append(PackState(name, manifest, fault))
        except PackError as error:
            states.append(PackState(name, None, str(error)))
    return states


def assemble(manifest: Manifest, read: Callable[[PackFile], bytes], threads: int = 1) -> AnyParts:
    """The working parts of a pack; *read* gives the verified bytes of a file, once each."""
    body = manifest.body

    def session(file: PackFile) -> Session:
        return Session(read(file), f"{body.name}/{file.path}", threads)

    match body:
        case DetectorBody():
            return YuNet(session(manifest.file("detector")), body.detector)
        case LivenessBody():
            files = {file.path: file for file in manifest.files}
            networks = [session(files[network.path]) for network in body.liveness.networks]
            return LivenessNet(networks, body.liveness)
        case PlateBody():
            return PlateNet(session(manifest.file("plate")), body.plate)
        case Body():
            return _embedder_parts(manifest, body, read, session)


def _embedder_parts(
    manifest: Manifest,
    body: Body,
    read: Callable[[PackFile], bytes],
    session: Callable[[PackFile], Session],
) -> Parts:
    detector = aligner = None
    if any(file.role == "detector" for file in manifest.files):
        detector = Detector(session(manifest.file("detector")))
    if body.aligner == "dlib-5-point":
        file = manifest.file("aligner")
        aligner = Aligner(load_cascade(read(file), f"{body.name}/{file.path}"))
    embedder = Embedder(session(manifest.file("embedder")), body.embedder)
    return Parts(detector, aligner, embedder, body.embedder)


def check_recipe(manifest: Manifest, golden: bytes, place: Path) -> None:
    """A pack of ours says what our recipe says: thresholds are not edited beside the weights."""
    name = manifest.body.name
    if name not in (*recipe_names(), *quantized_names()):
        return
    ours = recipe(name)
    if manifest.body.version != ours.body.version:
        raise PackError(
            f"{place} is version {manifest.body.version} of the pack, this program needs"
            f" {ours.body.version}; run 'gatehouse models fetch'"
        )
    if manifest.body != ours.body or golden != ours.golden:
        raise PackError(
            f"{place} was altered; run 'gatehouse models fetch' to restore it."
            " A threshold of your own belongs into the configuration: faces.threshold"
        )


def _verified(place: Path, file: PackFile) -> bytes:
    data = _read(place / file.path, file.bytes)
    if len(data) != file.bytes or hashlib.sha256(data).hexdigest() != file.sha256:
        raise PackError(
            f"{place / file.path} is not the file that was put there (SHA-256 differs);"
            " run 'gatehouse models fetch' again and find out who or what changed it"
        )
    return data


def _read(path: Path, most: int) -> bytes:
    """At most *most* + 1 bytes of a regular file, links not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise PackError(
            f"{path} cannot be read ({error.strerror}); run 'gatehouse models fetch' again"
        ) from error


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return -1
