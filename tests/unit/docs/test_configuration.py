"""Every configuration in the pages is one that a gate takes, every case one that a station takes.

The blocks of a page are put, all together, into the example's file, and go through the loader.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import yaml12
from agent.config.load import load, parse
from agent.config.schema.answering import Answering
from agent.config.schema.root import Config
from station.sought import read_case
from tests.support.pages import PAGES, ROOT, Block, blocks, name_of

EXAMPLE = ROOT / "examples" / "gate.yaml"
YAML = [block for page in PAGES for block in blocks(page) if block.language == "yaml"]
CASES = [block for block in YAML if block.text.startswith("entry_id:")]
LISTED = [block for block in YAML if block.text.startswith("- entry_id:")]
PARTS = [block for block in YAML if block not in [*CASES, *LISTED]]
CONFIGURED = sorted({block.page for block in PARTS})
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))
WITHOUT = {"README.md", "month-report.md", "watch.md"}


def read(text: str) -> Any:
    document = yaml12.read(text)
    assert document.faults == []
    return document.value


def put(into: Any, part: Any) -> Any:
    """*part* over *into*: sections are merged, everything else takes the place of what stood."""
    if not (isinstance(into, Mapping) and isinstance(part, Mapping)):
        return part
    return {**into, **{key: put(into.get(key), value) for key, value in part.items()}}


def test_the_example_is_valid_and_names_every_section_and_way() -> None:
    load(EXAMPLE)
    written = read(EXAMPLE.read_text(encoding="utf-8"))
    named = {field.alias or name for name, field in Config.model_fields.items()}
    assert set(written) == named
    assert set(written["answering"]) == set(Answering.model_fields)


def test_every_page_of_the_guide_has_its_configuration() -> None:
    pages = {page.name for page in GUIDE} - WITHOUT
    assert pages == {page.name for page in CONFIGURED if page.parent.name == "guide"}


@pytest.mark.parametrize("page", CONFIGURED, ids=name_of)
def test_the_configuration_of_a_page_is_valid(page: Path) -> None:
    whole = read(EXAMPLE.read_text(encoding="utf-8"))
    for block in PARTS:
        if block.page == page:
            part = read(block.text)
            parse(yaml.safe_dump(put(whole, part), allow_unicode=True).encode(), block.place)
            whole = put(whole, part)


@pytest.mark.parametrize("block", LISTED, ids=lambda block: block.place)
def test_an_entry_of_a_list_has_the_names_of_the_contract(block: Block) -> None:
    schema = json.loads((ROOT / "contract" / "schemas" / "watchlist-entry.json").read_bytes())
    for entry in read(block.text):
        assert set(entry) <= set(schema["properties"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_a_case_is_one_that_the_station_takes(case: Block, tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(case.text.replace(" 2026-", " 2099-"), encoding="utf-8")
    for name in read(case.text)["photos"]:
        (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0 a photo")
    read_case(file, search=case.page.name == "missing-person.md")
