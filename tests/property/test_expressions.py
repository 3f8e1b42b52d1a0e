"""Whatever text stands for an expression: it is refused with a place, or comes to true or false."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config.expressions import FIELDS, faults_of
from agent.config.whencheck import words_of
from agent.core.clock import Stamp
from rules.expression import Facts, compiled
from tests.support.samples import gate

WORDS = words_of(gate())
TOKENS = st.sampled_from(
    [
        *FIELDS,
        *("and", "or", "not", "in", "is", "==", "!=", "<", ">=", "(", ")", "[", "]", ",", "-", "."),
        *("'door-1'", "'open'", "'input'", "'x'", "1", "0.5", "1e999", "True", "None", "lambda"),
        *(
            "if",
            "else",
            "for",
            "**",
            "%",
            "{",
            "}",
            ":",
            ":=",
            "\n",
            "\t",
            "é",
            "岗",
            "\0",
            "f'{x}'",
        ),
    ]
)
STAMP = Stamp(0, 0, "boot", synced=True)
FACTS = [
    Facts(STAMP, "input", "door-1", "door", "north-gate", "open", initial=True),
    Facts(STAMP, "lead", "north", "camera", "north-gate", score=0.7, frames=3, quality=0.9),
    Facts(STAMP, "station", "station", state="online"),
]
Meant = tuple[str, Callable[[Facts], bool]]
PLAIN: list[Meant] = [
    ("device == 'door-1'", lambda f: f.device == "door-1"),
    ("state in ['open', 'closed']", lambda f: f.state in ("open", "closed")),
    ("initial", lambda f: f.initial),
    ("score >= 0.5", lambda f: f.score >= 0.5),
    ("1 < frames <= 4", lambda f: 1 < f.frames <= 4),
    ("event not in ('input', 'lead')", lambda f: f.event not in ("input", "lead")),
    ("exercise == False", lambda f: not f.exercise),
]


def both(one: Meant, other: Meant) -> Meant:
    return f"({one[0]}) and {other[0]}", lambda f: one[1](f) and other[1](f)


def either(one: Meant, other: Meant) -> Meant:
    return f"{one[0]} or ({other[0]})", lambda f: one[1](f) or other[1](f)


def no(one: Meant) -> Meant:
    return f"not ({one[0]})", lambda f: not one[1](f)


def joined(parts: st.SearchStrategy[Meant]) -> st.SearchStrategy[Meant]:
    return st.builds(either, parts, parts) | st.builds(no, parts)


WELL_FORMED = st.recursive(st.sampled_from(PLAIN), joined, max_leaves=4)


@settings(deadline=None, max_examples=1_000)
@given(st.lists(TOKENS, max_size=14).map(" ".join) | st.text(max_size=60))
def test_any_text_is_refused_or_comes_to_true_or_false(text: str) -> None:
    faults = faults_of(text, WORDS)
    assert all(0 <= fault.offset <= len(text) and fault.message for fault in faults)
    if not faults:
        holds = compiled(text)
        assert {holds(facts) for facts in FACTS} <= {True, False}


@settings(deadline=None, max_examples=300)
@given(WELL_FORMED, WELL_FORMED)
def test_it_means_what_it_says(one: Meant, other: Meant) -> None:
    for text, meant in (both(one, no(other)), either(one, other)):
        assert faults_of(text, WORDS) == []
        holds = compiled(text)
        assert [holds(facts) for facts in FACTS] == [meant(facts) for facts in FACTS]
