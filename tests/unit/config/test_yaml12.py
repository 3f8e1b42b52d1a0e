"""YAML as a person means it, and nothing of what YAML hides."""

from __future__ import annotations

import math

import pytest

from agent.config.yaml12 import MAX_BYTES, MAX_DEPTH, NotYamlError, Place, read


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("off", "off"),
        ("no", "no"),
        ("yes", "yes"),
        ("y", "y"),
        ("on", "on"),
        ("22:00", "22:00"),
        ("1:30", "1:30"),
        ("2026-11-21", "2026-11-21"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1e", "1e"),
        (".", "."),
        ("'5'", "5"),
        ('"true"', "true"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_what_looks_like_text_stays_text(written: str, meant: str) -> None:
    assert read(f"a: {written}\n").value == {"a": meant}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("5.0", 5.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_numbers_truths_and_nothing_are_those_of_yaml_1_2(written: str, meant: object) -> None:
    value = read(f"a: {written}\n").value
    assert value == {"a": meant}
    assert isinstance(value, dict)
    assert type(value["a"]) is type(meant)


def test_block_text_is_text_even_when_it_looks_like_a_number() -> None:
    assert read("a: |\n  5\n").value == {"a": "5\n"}


def test_keys_are_always_text() -> None:
    assert read("1: a\ntrue: b\n~: c\n").value == {"1": "a", "true": "b", "~": "c"}


def refused(text: str) -> tuple[Place, str]:
    with pytest.raises(NotYamlError) as caught:
        read(text)
    return caught.value.place, caught.value.message


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: &x 1\n", Place(1, 4), "anchors and aliases are not allowed"),
        ("a: 1\nb: *x\n", Place(2, 4), "anchors and aliases are not allowed"),
        ("a: !!str 5\n", Place(1, 4), "tag tag:yaml.org,2002:str is not allowed"),
        ("a: !x {}\n", Place(1, 4), "tag !x is not allowed"),
        (
            "a: !!python/object/apply:os.system [x]\n",
            Place(1, 4),
            "tag tag:yaml.org,2002:python/object/apply:os.system is not allowed",
        ),
        ("? [a]\n: 1\n", Place(1, 3), "a key must be plain text"),
        ("a: [1\nb: 2\n", Place(2, 2), "is not YAML: "),
        ("a: 1\n---\nb: 2\n", Place(2, 1), "is not YAML: but found another document"),
        ("a: 1\n\tb: 2\n", Place(2, 1), "is not YAML: found character '\\t'"),
        ("a: 1\nb: x\0y\n", Place(2, 5), "is not YAML: character #x0000 is not allowed"),
    ],
)
def test_what_is_refused_is_placed_and_told_in_one_line(
    text: str, place: Place, message: str
) -> None:
    found, told = refused(text)
    assert told.startswith(message)
    assert found == place
    assert "\n" not in told


def test_nesting_is_bounded_however_deep_it_goes() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    read(deepest)
    for depth in (MAX_DEPTH + 1, 50_000):
        place, message = refused("[" * depth + "]" * depth)
        assert message == f"is nested deeper than {MAX_DEPTH} levels"
        assert place == Place(1, MAX_DEPTH + 1)


def test_a_file_that_is_too_large_is_not_even_parsed() -> None:
    place, message = refused("##" + "长" * (MAX_BYTES // 3))
    assert message == f"is larger than {MAX_BYTES} bytes"
    assert place == Place(1, 1)


def test_a_number_of_a_thousand_digits_is_no_number() -> None:
    digits = "9" * 5000
    assert read(f"a: {digits}\n").value == {"a": digits}


def test_a_key_given_twice_keeps_the_first_value_and_is_a_fault() -> None:
    document = read("a: 1\nb:\n  a: 2\n  a: 3\na: 4\n")
    assert document.value == {"a": 1, "b": {"a": 2}}
    assert document.faults == [
        (Place(4, 3), ("b", "a"), "is given twice; the first stands in line 3"),
        (Place(5, 1), ("a",), "is given twice; the first stands in line 1"),
    ]


def test_every_key_and_value_has_a_place() -> None:
    document = read("a:\n  - b: 1\n  - 长: 2\n")
    assert document.nearest(("a",)) == Place(1, 1)
    assert document.nearest(("a", 1, "长")) == Place(3, 5)
    assert document.nearest(("a", 1)) == Place(3, 5)


def test_what_is_not_in_the_file_is_placed_at_what_is_around_it() -> None:
    document = read("\na:\n  b: 1\n")
    assert document.nearest(("a", "missing", 3)) == Place(2, 1)
    assert document.nearest(("missing",)) == Place(2, 1)
    assert read("").nearest(("a",)) == Place(1, 1)
