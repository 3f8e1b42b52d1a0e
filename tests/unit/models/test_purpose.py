"""A gallery is searched for what it is kept for, and no file of the product names another purpose.

What is searched stands in the syntax tree: each file that names a purpose is known here by name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from agent.config.schema.vision import Faces
from agent.core.errors import PurposeError
from agent.vision.faces import FaceWork
from models.engine import PackEngine
from models.gallery import Entry, Gallery
from models.matcher import Matcher, Policy
from models.purpose import Purpose

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("agent", "bench", "contract", "devices", "models", "provisioning", "rules", "station")
NAMED = {
    "WATCHLIST": {"agent/vision/faces.py", "agent/vision/replacing.py", "models/matcher.py"},
    "RESIDENTS": {"provisioning/resident_photos.py"},
    "MEASURE": {
        "bench/gallery.py",
        "models/evaluate.py",
        "models/evaluate_open.py",
        "models/evaluate_pairs.py",
        "models/quantized.py",
    },
}
PROBE = np.ones(2, np.float32)
SEARCHES: dict[str, Callable[[Gallery, Purpose], object]] = {
    "scores": lambda gallery, purpose: gallery.scores(PROBE[None], purpose),
    "look_alikes": lambda gallery, purpose: gallery.look_alikes(PROBE, purpose),
    "resembles": lambda gallery, purpose: gallery.resembles(
        PROBE, "r-1", 0.1, purpose, exercise=False
    ),
    "twins": lambda gallery, purpose: gallery.twins(0.1, purpose),
}


def gallery_for(purpose: Purpose, dim: int = 2, model_id: str = "any") -> Gallery:
    rows = np.ones((1, dim), np.float32)
    return Gallery(model_id, "euclidean", [Entry("e-1", False, 1)], rows, purpose)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(("kept", "asked"), list(permutations(Purpose, 2)))
def test_no_search_for_another_purpose(search: str, kept: Purpose, asked: Purpose) -> None:
    gallery = gallery_for(kept)
    with pytest.raises(PurposeError, match=f"kept for {kept} are not searched for {asked}"):
        SEARCHES[search](gallery, asked)
    SEARCHES[search](gallery, kept)


def test_every_method_that_compares_a_probe_names_its_purpose() -> None:
    """One that is new has to ask, too: all but those that compare nothing take a purpose."""
    harmless = {"best", "expect", "expect_purpose", "in_parts"}
    public = {name for name in vars(Gallery) if not name.startswith("_")} - {"dim"}
    assert public - harmless == set(SEARCHES)


@pytest.mark.parametrize("purpose", [Purpose.RESIDENTS, Purpose.MEASURE])
def test_passers_by_are_not_compared_with_residents(purpose: Purpose) -> None:
    policy, other = Policy(3, 0.6, 0.5, 0.4, 0.05), gallery_for(purpose)
    with pytest.raises(PurposeError):
        Matcher(policy, other)
    matcher = Matcher(policy, gallery_for(Purpose.WATCHLIST))
    with pytest.raises(PurposeError):
        matcher.replace_gallery(other)


def test_face_work_takes_no_gallery_of_residents(engine: PackEngine) -> None:
    work = FaceWork(engine, Faces())
    with pytest.raises(PurposeError):
        work.search(gallery_for(Purpose.RESIDENTS, engine.dim, engine.model_id), 1)
    assert (work.entries, work.generation) == (0, 0)


def purposes() -> Iterator[tuple[str, str]]:
    """Each purpose that a file of the product names; ``?`` for one that it makes while it runs."""
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            tree = ast.parse(path.read_bytes())
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and _is_purpose(node.value):
                    yield node.attr, name
            for node in ast.walk(tree):
                if isinstance(node, ast.Call | ast.Subscript | ast.alias):
                    about = getattr(node, "func", None) or getattr(node, "value", None)
                    renamed = isinstance(node, ast.alias) and node.name == "Purpose" and node.asname
                    if renamed or (about is not None and _is_purpose(about)):
                        yield "?", name


def _is_purpose(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "Purpose"


def test_each_file_names_the_one_purpose_that_it_has() -> None:
    found: dict[str, set[str]] = {}
    for purpose, name in purposes():
        found.setdefault(purpose, set()).add(name)
    assert found == NAMED
    files = [name for names in NAMED.values() for name in names]
    assert len(files) == len(set(files)), "no file searches for two purposes"
