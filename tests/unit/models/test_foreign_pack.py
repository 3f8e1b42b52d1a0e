"""A pack given by hand: its own name, its own licence entry, the same program and the same proof.

The weights are MobileFaceNet's, which lie beside the test data; golden answers and geometry are
those of our recipe for them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.core.errors import PackError
from models.engine import PackEngine, open_pack
from models.evaluate import collect, passages
from models.fetch import GOLDEN, import_pack
from models.gallery import score
from models.licences import register
from models.manifest import Manifest, Origin, dump_manifest
from models.matcher import policy_for
from models.packs import MANIFEST, read_manifest, verify_pack
from models.quality import live_gate
from models.specs import Licence
from tests.unit.models.fixtures import need_pack, photo, real

NAME = "by-hand"
LICENCE = Licence(
    "by-hand", "somebody's network", "somebody", "Apache-2.0", commercial_use=True,
    basis="told on paper", note="tests only",
)  # fmt: skip


def write(place: Path, manifest: Manifest) -> None:
    (place / MANIFEST).write_bytes(dump_manifest(manifest))


@pytest.fixture
def made_by_hand(packs: Path, tmp_path: Path) -> Path:
    place = tmp_path / "stick" / NAME
    shutil.copytree(packs / need_pack(packs, "mobilefacenet"), place)
    ours = read_manifest(packs, "mobilefacenet")
    origins = tuple(
        Origin("a stick", origin.member, origin.sha256, "by-hand") for origin in ours.body.origins
    )
    body = replace(ours.body, name=NAME, origins=origins, licences=(LICENCE,))
    write(place, replace(ours, body=body))
    return place


@pytest.fixture
def foreign(made_by_hand: Path, packs: Path, tmp_path: Path) -> PackEngine:
    folder = tmp_path / "gate"
    import_pack(packs / "yunet", folder)
    import_pack(made_by_hand, folder)
    return open_pack(folder, NAME)


def test_it_recognises_people(foreign: PackEngine) -> None:
    names = ("knn_examples/train/obama/obama.jpg", "tests/test_images/obama3.jpg", "biden.jpg")
    one, two, other = (foreign.template(photo(name)).vector for name in names)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert score(one, two, foreign.metric) > foreign.thresholds.lead(3)
    assert abs(score(one, other, foreign.metric)) < 0.2


def test_it_tells_strangers_of_the_strictest_group_apart(foreign: PackEngine) -> None:
    samples = collect(foreign, real("faces", "casia_facev5_subset"), live_gate(45)).samples
    outcome = passages(samples, policy_for(foreign.thresholds, 3), foreign.metric)
    assert outcome.false_leads.hits == 0
    assert outcome.true_leads.value > 0.9


def test_swapped_colours_are_caught_before_it_counts(made_by_hand: Path, tmp_path: Path) -> None:
    text = (made_by_hand / MANIFEST).read_text("utf-8")
    (made_by_hand / MANIFEST).write_text(text.replace('"rgb"', '"bgr"'), "utf-8")
    with pytest.raises(PackError, match="is not what it must be"):
        import_pack(made_by_hand, tmp_path / "gate")
    assert not (tmp_path / "gate").exists()


def test_without_a_licence_of_its_files_it_is_refused(made_by_hand: Path, tmp_path: Path) -> None:
    manifest = read_manifest(made_by_hand.parent, NAME)
    for licences in ((), (replace(LICENCE, commercial_use=False),)):
        write(made_by_hand, replace(manifest, body=replace(manifest.body, licences=licences)))
        with pytest.raises(PackError, match=r"embedder\.onnx has no licence in the register"):
            import_pack(made_by_hand, tmp_path / "gate")


@pytest.mark.parametrize("member", [f"{one.names[0]}.dat" for one in register().refused])
def test_what_the_register_refuses_is_refused_by_name(
    made_by_hand: Path, tmp_path: Path, member: str
) -> None:
    manifest = read_manifest(made_by_hand.parent, NAME)
    first, *others = manifest.body.origins
    origins = (replace(first, member=member), *others)
    write(made_by_hand, replace(manifest, body=replace(manifest.body, origins=origins)))
    with pytest.raises(PackError, match=f"{member} is refused"):
        import_pack(made_by_hand, tmp_path / "gate")


def test_a_pack_that_nothing_proves_says_so_and_is_for_review_only(
    made_by_hand: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(made_by_hand.parent, NAME)
    files = tuple(file for file in manifest.files if file.role != "golden")
    body = replace(manifest.body, unproved="nobody computed it", review_only=True,
                   review_reason="not proved")  # fmt: skip
    write(made_by_hand, replace(manifest, body=body, files=files))
    import_pack(made_by_hand, tmp_path / "gate")
    verified = verify_pack(tmp_path / "gate", NAME)
    assert (verified.answers, verified.manifest.body.unproved) == (0, "nobody computed it")
    with pytest.raises(ValueError, match="nothing proves is for review only"):
        replace(body, review_only=False)


def test_golden_answers_that_prove_too_little_are_refused(
    made_by_hand: Path, tmp_path: Path
) -> None:
    answers = json.loads((made_by_hand / GOLDEN).read_bytes())
    del answers["chains"]
    data = json.dumps(answers).encode()
    (made_by_hand / GOLDEN).write_bytes(data)
    manifest = read_manifest(made_by_hand.parent, NAME)
    files = tuple(
        replace(file, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        if file.role == "golden"
        else file
        for file in manifest.files
    )
    write(made_by_hand, replace(manifest, files=files))
    with pytest.raises(PackError, match="what proves this pack is chains, vectors"):
        import_pack(made_by_hand, tmp_path / "gate")
