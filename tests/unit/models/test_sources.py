from __future__ import annotations

import re

import pytest

from agent.core.errors import PackError
from models.licences import refuse, register
from models.sources import recipe, recipe_names


def test_every_part_has_a_licence_that_allows_its_use() -> None:
    usable = {licence.id: licence for licence in register().usable}
    for name in recipe_names():
        for origin in recipe(name).body.origins:
            assert usable[origin.licence].commercial_use


def test_what_may_not_be_used_is_never_a_member() -> None:
    assert any("68" in refusal.work for refusal in register().refused)
    for name in recipe_names():
        assert not any("68" in member.path for member in recipe(name).members.values())


def test_the_model_id_names_the_weights() -> None:
    made = recipe("dlib")
    assert made.body.model_id.endswith("@" + made.members["dlib-resnet"].sha256[:8])


def test_what_is_refused_is_refused_by_name_and_by_hash() -> None:
    by_hash = [digest for refusal in register().refused for digest in refusal.sha256]
    assert len(by_hash) >= 8
    for digest in by_hash:
        with pytest.raises(PackError, match="is refused"):
            refuse("innocent.onnx", digest)
    by_name = [part.upper() for refusal in register().refused for part in refusal.names]
    for name in by_name:
        with pytest.raises(PackError, match="is refused"):
            refuse(f"some/{name}.onnx", "")


def test_an_address_names_a_commit_and_never_a_branch() -> None:
    for name in recipe_names():
        for artefact in recipe(name).artefacts.values():
            if artefact.url:
                assert re.search(r"/[0-9a-f]{40}/", artefact.url)
                assert artefact.url.endswith("/" + artefact.file)


def test_only_the_pack_that_says_so_has_no_golden_answers() -> None:
    unproved = {name for name in recipe_names() if not recipe(name).golden}
    assert unproved == {"sface"}
    body = recipe("sface").body
    assert body.review_only
    assert body.unproved


def test_every_weight_travels_with_its_licence_text() -> None:
    for name in recipe_names():
        made = recipe(name)
        texts = {made.members[p.member].licence for p in made.parts if p.role == "licence"}
        assert texts == {member.licence for member in made.members.values()}


def test_an_unknown_pack_is_refused_with_those_there_are() -> None:
    with pytest.raises(PackError, match="there is: dlib"):
        recipe("buffalo")
