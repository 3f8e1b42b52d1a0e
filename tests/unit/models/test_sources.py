from __future__ import annotations

import pytest

from agent.core.errors import PackError
from models.licences import register
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


def test_every_weight_travels_with_its_licence_text() -> None:
    made = recipe("dlib")
    texts = {made.members[p.member].licence for p in made.parts if p.role == "licence"}
    assert texts == {member.licence for member in made.members.values()}


def test_an_unknown_pack_is_refused_with_those_there_are() -> None:
    with pytest.raises(PackError, match="there is: dlib"):
        recipe("buffalo")
