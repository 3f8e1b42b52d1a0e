"""``docs/contract.md`` is what the contract makes it, and its prose says what the code does."""

from __future__ import annotations

import base64
import re
from importlib import resources
from pathlib import Path

import pytest

from agent.config.schema.devices import Door
from agent.config.schema.site import Link
from agent.link.session import RETURN_SPREAD_S
from agent.outbox.delivery import RESEND_PER_S
from agent.outbox.lane import RESEND_AFTER_S, RESEND_EVERY_S
from agent.pipeline.announcer import JITTER
from agent.pipeline.command_checks import DOOR_VALID_NS, SKEW_NS
from agent.pipeline.desired import LONGEST_S, MISSING_S
from agent.pipeline.nonces import FRESH_S
from agent.pipeline.presence import SOON_PERIOD_S
from contract import document, fields
from contract.signing import read_trusted_keys
from contract.validate import schema_names
from contract.words import CONTRACT_VERSION, CommandName, Kind, Refusal, Role
from station.gates import GRACE_S

REPO = Path(__file__).parents[2]
EXAMPLES = resources.files("contract") / "examples"
PAGE = document.page()


def test_the_committed_page_is_the_generated_one() -> None:
    committed = (REPO / "docs" / "contract.md").read_text(encoding="utf-8")
    assert committed == PAGE, "run `make docs`"


def test_every_field_of_every_schema_has_a_meaning() -> None:
    for name in schema_names():
        schema = fields.load(name)
        bare = [f"{name}: {row.path}" for row in fields.rows(schema) if not row.meaning]
        assert bare == []


def test_every_link_within_the_page_has_its_heading() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


def test_every_schema_stands_on_the_page_with_all_its_fields() -> None:
    for name in schema_names():
        if name != fields.COMMON:
            assert f"`contract/schemas/{name}.json`" in PAGE
            for row in fields.rows(fields.load(name)):
                assert f"| `{row.path}`" in PAGE


def test_every_example_stands_on_the_page() -> None:
    for file in EXAMPLES.iterdir():
        assert f"`contract/examples/{file.name}`" in PAGE or file.name == "trusted-keys.json"


def test_figures_are_the_codes() -> None:
    waits = " and ".join([", ".join(map(str, RESEND_AFTER_S[:-1])), str(RESEND_AFTER_S[-1])])
    text = " ".join(PAGE.split())
    assert f"{waits} s after the last sending, then every {RESEND_EVERY_S} s for ever" in text
    assert f"at most {RESEND_PER_S} a second are sent again" in text
    assert f"every {SOON_PERIOD_S:.0f} s while an incident is open" in text
    assert JITTER == 0.1
    assert "up to a tenth earlier" in text
    assert text.count(f"periods and {GRACE_S:.0f} s without any message") == 2
    assert f"at most {SKEW_NS // 10**9} s ahead" in text
    assert f"counts for at most {DOOR_VALID_NS // 10**9} s after `issued_at`" in text
    assert f"`clock.nonce`), at least every {SOON_PERIOD_S:.0f} s" in text
    assert f"good for {FRESH_S} s after it was first said" in text
    assert f"does not come within {MISSING_S:.0f} s" in text
    assert f"waits of up to {LONGEST_S:.0f} s" in text
    assert f"({Door.model_fields['release_s'].default:.0f} s unless its configuration" in text
    assert f"a random time of up to {RETURN_SPREAD_S:.0f} s" in text
    days = Link.model_fields["session_expiry_s"].default // 86_400
    assert f"a session expiry of {days} days" in text


@pytest.mark.parametrize("words", [Refusal, Kind, Role])
def test_every_word_is_explained(words: type[Refusal | Kind | Role]) -> None:
    assert [word for word in words if f"\n| `{word}` | " not in PAGE] == []


def test_every_command_is_explained_with_its_role() -> None:
    told = PAGE[PAGE.index("## Commands") : PAGE.index("## Limits")]
    roles = PAGE[PAGE.index("| role | signs |") : PAGE.index("### Refusals")]
    for name in CommandName:
        assert f"`{name}`" in told
        (line,) = (line for line in roles.splitlines() if f"`{name}`" in line)
        assert line.startswith(f"| `{name.role}` |")


def test_the_version_has_its_row() -> None:
    changes = PAGE[PAGE.index("## Versions") :]
    assert re.findall(r"^\| (\d+) \|", changes, re.MULTILINE)[-1] == str(CONTRACT_VERSION)


def test_the_signature_on_the_page_holds_over_the_bytes_on_the_page() -> None:
    trusted = read_trusted_keys((EXAMPLES / "trusted-keys.json").read_bytes())
    (signed,) = re.findall(r"^\{.*door\.open.*\}$", PAGE, re.MULTILINE)
    command = PAGE[PAGE.index("`contract/examples/cmd.door.open.json` (") :]
    (signature, *_) = re.findall(r'"sig": "([^"]+)"', command)
    trusted.keys[Role.DOOR].verify(base64.b64decode(signature), signed.encode())
