"""Messages as somebody hostile makes them: a valid one, changed in its bytes or in its structure.

Here: hypothesis strategies. Not here: what reads them (``tests.support.parsers``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

MOST_EDITS = 4
MOST_REPEATED = 60
_WORD = re.compile(rb"[^\s:,\[\]{}]+")
# Spliced into bytes: what ends a text, a number, a line or a parser.
PIECES = (
    *(b"\0", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\n", b"\r", b"\\", b'"'),
    *(b"[" * 3_000, b'{"a":' * 3_000, b"- " * 3_000, b"9" * 5_000, b"-1", b"1e999", b"-0.0"),
    *(b"NaN", b"-Infinity", b"true", b"null", b'"\\ud800"', b"\\u0000", b'{"a":1,"a":2}'),
    *(b"!!python/object:os.system ", b"&a ", b"*a", b"? ", b"%YAML 9" + b"9" * 5_000 + b".1\n"),
    *(b'"\\U00110000"', b'"\\UFFFFFFFF"', b'"\\uD800"', b"-----BEGIN CERTIFICATE-----\n"),
    *(b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xd9", b"\xff\xc0"),
)
# Put in the place of any value of a JSON text, as they are spelled on the wire.
SPELLINGS = (
    *("null", "true", "[]", "{}", '""', "0", "-1", "1.5", "1e308", "1e999", "-1e999", "NaN"),
    *("Infinity", "-Infinity", "9" * 20, "-" + "9" * 19, "9" * 39, "9" * 5_000, "0.1e-999"),
    *('"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\u202e"', '"a\\nb"', '"+"', '"#"', '"/"'),
    *(
        '"' + "x" * 70_000 + '"',
        "[" * 3_000 + "]" * 3_000,
        "[" * 900 + "]" * 900,
        '{"a":' * 3_000 + "1" + "}" * 3_000,
    ),
    *("[[]]", '[{"a":[1]}]', '{"n":1}', '"2026-02-30T08:00:00Z"', '"9999-12-31T23:59:59+23:59"'),
    *('"0001-01-01T00:00:00+23:59"', '"../../etc/passwd"', '"AAAA"', '"=="', '"é"', '"\\ufeff"'),
)
_SPELLED = [spelled.encode() for spelled in SPELLINGS]
_EDITS = ("flip", "cut", "end", "double", "splice", "word", "put", "cross")


def mutated(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of *seeds* with a few changes, or bytes that were never a message."""
    texts = [seed for seed in seeds if _tree(seed) is not None]
    ways = [_bytes(seeds), st.binary(max_size=300)]
    return st.one_of(*ways, _structure(texts)) if texts else st.one_of(*ways)


def documents(values: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One of the JSON objects *values* with parts replaced, cut out or doubled."""
    sound = _structure([json.dumps(value).encode() for value in values]).map(_tree)
    return sound.filter(lambda value: isinstance(value, dict))


@st.composite
def _bytes(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Bytes flipped, cut, doubled, swapped and spliced."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, MOST_EDITS))):
        at = draw(st.integers(0, len(data)))
        until = min(at + draw(st.integers(0, 16)), len(data))
        match draw(st.sampled_from(_EDITS)):
            case "flip" if at < len(data):
                data[at] ^= draw(st.integers(1, 255))
            case "cut":
                del data[at:until]
            case "end":
                del data[at:]
            case "double":
                data[at:at] = data[at:until] * draw(st.integers(1, 64))
            case "splice":
                data[at:until] = draw(st.sampled_from(PIECES))
            case "word" if words := [found.span() for found in _WORD.finditer(data)]:
                start, end = draw(st.sampled_from(words))
                data[start:end] = draw(st.sampled_from([*PIECES, *_SPELLED]))
            case "put":
                data[at:until] = draw(st.binary(max_size=8))
            case "cross":
                other = draw(st.sampled_from(seeds))
                data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


@st.composite
def _structure(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A JSON text whose values, keys and members are changed and that is still nearly JSON."""
    tree = _tree(draw(st.sampled_from(seeds)))
    put: dict[str, str] = {}
    for number in range(draw(st.integers(1, MOST_EDITS))):
        places = _places(tree)
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["spell", "drop", "swap", "twice", "more"])):
            case "drop":
                del holder[key]
            case "swap":
                other, name = draw(st.sampled_from(places))
                holder[key] = json.loads(json.dumps(other[name]))
            case "twice" if isinstance(holder, dict):
                mark = f"@twice{number}@"
                put[f'"{mark}"'] = json.dumps(key)
                holder[mark] = holder[key]
            case "more" if len(str(holder[key])) < MOST_REPEATED:
                holder[key] = [holder[key]] * draw(st.sampled_from([2, 70, 1_500]))
            case _:
                mark = f"@put{number}@"
                put[f'"{mark}"'] = draw(st.sampled_from(SPELLINGS))
                holder[key] = mark
    text = json.dumps(tree, ensure_ascii=False)
    for mark, spelled in put.items():
        text = text.replace(mark, spelled)
    return text.encode("utf-8", "surrogatepass")


def _tree(data: bytes) -> Any:
    """*data* as a JSON object or array, None when it is neither."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container within *value* with every key of it; the first few of a long list."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else list(range(min(len(value), 3)))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += _places(value[key])
    return found
