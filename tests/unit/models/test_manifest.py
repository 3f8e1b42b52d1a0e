from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.manifest import Manifest, PackFile, dump_manifest, embedder_body, parse_manifest
from models.sources import recipe
from models.specs import FileRole

BODY = embedder_body(recipe("dlib").body, "dlib")
ROLES: tuple[FileRole, ...] = (
    "detector", "aligner", "embedder", "licence", "golden", "licence",
)  # fmt: skip
FILES = tuple(PackFile(role, f"{role}-{i}.bin", 10, "0" * 64) for i, role in enumerate(ROLES))
MANIFEST = Manifest(BODY, FILES, "by hand")


def changed(path: str, value: Any) -> bytes:
    """The manifest with one field replaced (``a.0.b``), or removed by ``...``."""
    data = json.loads(dump_manifest(MANIFEST))
    *way, last = path.split(".")
    place = data
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(data).encode()


def test_a_manifest_comes_back() -> None:
    assert parse_manifest(dump_manifest(MANIFEST), "here") == MANIFEST
    assert MANIFEST.file("golden").path == "golden-4.bin"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("body.format", 2),
        ("body.format", ...),
        ("body.name", "../dlib"),
        ("body.model_id", "dlib"),
        ("body.surprise", 1),
        ("body.embedder.colour", "grb"),
        ("body.embedder.scale", [1.0, 0.0, 1.0]),
        ("body.embedder.metric", "manhattan"),
        ("body.aligner", "none"),
        ("body.thresholds.review", 0.9),
        ("body.thresholds.floor", 0.1),
        ("body.thresholds.margin", -1.0),
        ("body.thresholds.mean_of_3", "0.6"),
        ("body.review_reason", ""),
        ("body.origins", []),
        ("body.role", "oracle"),
        ("body.role", "plate"),
        ("body.unproved", "nobody did"),
        ("files.0.path", "../../etc/passwd"),
        ("files.0.path", "/etc/passwd"),
        ("files.0.path", "aligner-1.bin"),
        ("files.0.path", "a/b"),
        ("files.0.sha256", "00"),
        ("files.0.bytes", 0),
        ("files.0.bytes", 1 << 40),
        ("files.0.role", "licence"),
        ("files.3.role", "detector"),
        ("files.3.role", "pickle"),
        ("files", []),
    ],
)
def test_what_a_manifest_may_not_say_is_refused_by_name(path: str, value: Any) -> None:
    with pytest.raises(PackError, match=r"manifest\.json is no pack manifest"):
        parse_manifest(changed(path, value), "manifest.json")


def test_a_fault_is_named_by_its_place() -> None:
    with pytest.raises(PackError, match=r"body\.embedder\.colour"):
        parse_manifest(changed("body.embedder.colour", "grb"), "m")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PackError):
        parse_manifest(data, "m")


def test_bands_of_the_shipped_pack_leave_no_gap() -> None:
    t = BODY.thresholds
    assert t.review <= t.floor <= min(t.lead(k) for k in (3, 4, 5))
    assert t.frame >= 0.63  # distance 0.37, where one in a thousand East Asian strangers passes


def test_the_shipped_pack_says_on_whom_it_was_measured() -> None:
    assert BODY.review_only
    assert len(BODY.population.figures) >= 6
    for figure in BODY.population.figures:
        assert figure.impostors > 600
        assert figure.false_accepts <= 1
