"""The short way through a schema never calls fit what jsonschema does not."""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import quick
from contract.validate import named_problems, schema_names, schema_problems, whole_schema

FOLDER = resources.files("contract") / "examples"
EXAMPLES = {
    file.name: json.loads(file.read_text(encoding="utf-8"))
    for file in FOLDER.iterdir()
    if file.name != "trusted-keys.json"
}
RARE = {"document", "watchlist"}  # said seldom, with keywords that only jsonschema knows
FIT = {name: quick.compiled(whole_schema(name)) for name in schema_names() if name not in RARE}
QUICK = sorted(name for name in EXAMPLES if name.partition(".")[0] in FIT)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        [
            *("Actual", "2026-11-21T08:00:00Z", "2026-02-30T08:00:00Z", "2026-11-21T08:00:00Z\n"),
            *("gatehouse.alert.panic", "gatehouse.alert.watchlist.face"),
            *("x" * 301, "a\n", "ｇate", ""),
        ]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container within *value* with every key of it, and one new key of each object."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found += [(value, key) for key in (*value, "new")]
        inner: Any = value.values()
    else:
        found += [(value, key) for key in range(len(value))]
        inner = value
    for one in inner:
        if isinstance(one, dict | list):
            found += places(one)
    return found


@pytest.mark.parametrize("name", QUICK)
def test_every_example_goes_the_short_way(name: str) -> None:
    assert FIT[name.partition(".")[0]](EXAMPLES[name])


@settings(max_examples=400)
@given(name=st.sampled_from(QUICK), data=st.data())
def test_what_is_called_fit_has_no_problem(name: str, data: st.DataObject) -> None:
    schema, value = name.partition(".")[0], copy.deepcopy(EXAMPLES[name])
    for _ in range(data.draw(st.integers(1, 2))):
        container, key = data.draw(st.sampled_from(places(value)))
        if data.draw(st.booleans()) and (isinstance(container, list) or key in container):
            del container[key]
        else:
            container[key] = data.draw(VALUES)
    problems = named_problems(schema, value)
    assert not (FIT[schema](value) and problems)
    assert schema_problems(schema, value) == problems


@settings(max_examples=200)
@given(schema=st.sampled_from(sorted(FIT)), value=VALUES)
def test_neither_does_anything_else(schema: str, value: Any) -> None:
    assert not (FIT[schema](value) and named_problems(schema, value))


def test_a_keyword_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="keywords oneOf, prefixItems are not known"):
        quick.compiled({"type": "array", "prefixItems": [], "oneOf": []})


@pytest.mark.parametrize("schema", sorted(RARE))
def test_what_is_said_seldom_goes_to_jsonschema(schema: str) -> None:
    with pytest.raises(ValueError, match=r"keywords .*oneOf.* are not known"):
        quick.compiled(whole_schema(schema))
    examples = [value for name, value in EXAMPLES.items() if name.partition(".")[0] == schema]
    assert examples
    for value in examples:
        assert schema_problems(schema, value) == []
        both = {**value, "entries": [], "empty": True, "hash": "", "total": 0, "chunks": []}
        assert schema_problems(schema, both) == named_problems(schema, both) != []
        neither = {k: v for k, v in value.items() if k not in ("entries", "empty", "chunks")}
        texts = [problem.text for problem in schema_problems(schema, neither)]
        assert texts == ["has neither 'entries' nor all of 'hash', 'total' and 'chunks', or both"]
        silent = {k: v for k, v in neither.items() if k not in ("hash", "total")} | {"entries": []}
        assert [problem.text for problem in schema_problems(schema, silent)] == [
            "'empty' is a required property"
        ]
