"""What docs/guide/rules.md shows is what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.config.schema.rules import CustomRule
from agent.core.clock import ManualClock
from provisioning.explain import explained, find
from provisioning.left_out import in_words, left_out
from tests.support.samples import gate
from tests.unit.provisioning.test_replay import RULES, Gate

PAGE = (Path(__file__).parents[3] / "docs/guide/rules.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = [text for kind, text in BLOCKS if kind == "yaml" and text.startswith("rules:")]
(SAMPLE,) = [text for kind, text in BLOCKS if not kind and text.startswith("#")]


@pytest.mark.parametrize("text", FILES)
def test_the_files_on_the_page_are_valid(text: str) -> None:
    # The sample gate calls its door's lane, door and beacon as the page does.
    config = gate((RULES, text))
    assert isinstance(config.rules[0], CustomRule)


def test_the_explanation_on_the_page_is_what_the_program_tells() -> None:
    (text,) = [text for text in FILES if "called-again" in text]
    made = Gate(ManualClock("2026-11-22T08:39:02.100Z"), gate((RULES, text)))
    made.press()
    (entry,) = [e for e in made.entries if e["event"] == "input"]
    assert "\n".join(explained(find(made.entries, str(entry["n"])), "zh")) + "\n" == SAMPLE


def test_what_is_not_replayed_is_counted_by_way() -> None:
    did = [
        {"way": "sla", "do": [["note", "sla.breach", "gate"], ["tell", "a/b"]]},
        {"way": "assist"},
        {"rule": "own", "do": [["raise", "assist", "k", "major"]]},
    ]
    assert left_out([{"did": did}, {}]) == {"sla": 2}
    assert in_words({}) == ""
    assert in_words({"sla": 2}).startswith("not replayed: sla 2 (")
