"""A broker that does not let a gate hear an area: the gate says so, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.broker import Broker
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site

CALL = "gh/v1/cancheng/area/north/call"
ALL = dict.fromkeys(("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"), True)


def plugin() -> Path:
    """mosquitto's dynamic security, which refuses subscriptions; its ACL files never do."""
    found = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    if not found:
        raise RuntimeError("mosquitto's dynamic security is missing: apt-get install mosquitto")
    return found[0]


def rights(*, north: bool) -> dict[str, Any]:
    """Everybody may do everything, but hear the calls of the area where not *north*."""
    deny = {"acltype": "subscribeLiteral", "topic": CALL, "priority": 1, "allow": north}
    return {
        "defaultACLAccess": ALL,
        "roles": [{"rolename": "gate", "acls": [deny]}],
        "groups": [{"groupname": "all", "roles": [{"rolename": "gate"}]}],
        "anonymousGroup": "all",
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "rights.json"
    made.write_text(json.dumps(rights(north=False)), encoding="utf-8")
    return made


@pytest.fixture
def broker(tmp_path: Path, file: Path) -> Iterator[Broker]:
    extra = (f"plugin {plugin()}", f"plugin_opt_config_file {file}", "allow_anonymous true")
    with Broker(tmp_path, extra=extra) as made:
        yield made


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_refused_area_is_an_issue_until_the_broker_lets_the_gate_hear_it(
    tmp_path: Path, broker: Broker, file: Path, protocol: str
) -> None:
    place = [(broker.host, broker.port)]
    link, areas = {"protocol": protocol}, {"areas": ["north", "east"]}
    with Site(tmp_path / "site", addresses=place, answering=areas, link=link) as site:
        site.start("station", "agent")
        told = site.issue("not-heard")
        assert told["component"] == "area/north/call"
        assert "does not let this gate hear the calls of area 'north'" in told["text"]
        assert "gatehouse station areas SITE/NODE --area north" in told["text"]
        codes = [issue["component"] for issue in site.status()["issues"]]
        assert codes.count("area/north/call") == 1
        assert not any("east" in code for code in codes)
        shown = gatehouse("station", "watch", "--once", "--dir", site.folder / "station", "--json")
        (gate,) = json.loads(run_to_end(shown).stdout)["gates"]
        assert any("of area 'north'" in text for text in gate["issues"])

        file.write_text(json.dumps(rights(north=True)), encoding="utf-8")
        broker.restart()
        site.issue_gone("not-heard", 60)
        site.panic_works()
