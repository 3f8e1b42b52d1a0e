"""An installer's configuration is completed: what they wrote stays as they wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from agent.config.load import parse
from agent.core.errors import CheckFailedError, ConfigError
from contract.join import Place
from contract.topics import Address
from provisioning.gate_file import Given, check_ids, completed, ids, written

GATE = Address("cancheng", "liya-garden", "gate-1")
HOME = Path("/var/lib/gatehouse/identity")
GIVEN = Given(
    GATE,
    HOME / "gate.pem",
    HOME / "ca.pem",
    HOME / "trusted-keys.json",
    [Place("station.example.net", 8883), Place("192.0.2.7", 8883)],
    [Place("station.example.net", 8884)],
)
EXAMPLE = Path(__file__).parents[3] / "examples" / "gate.yaml"
SHORT = """\
# mine
schema: 1
node:   # who
  station: cancheng
  site: liya-garden
  node: gate-1   # north
  name: N
  pin_factory: mock
  data_dir: /d
  run_dir: /r
"""


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_a_new_configuration_is_valid() -> None:
    config = parse(written(GIVEN, HOME.parent).encode(), "gate.yaml")
    assert config.node.address == GATE
    assert config.node.trusted_keys == HOME / "trusted-keys.json"
    assert [broker.host for broker in config.link.brokers] == ["station.example.net", "192.0.2.7"]
    assert config.link.tls is not None
    assert config.link.tls.key_file == HOME / "gate.pem"
    assert config.link.enrolment[0].port == 8884


def test_the_example_is_completed_and_keeps_every_comment_outside_link() -> None:
    before = EXAMPLE.read_text("utf-8")
    after = completed(before, GIVEN)
    config = parse(after.encode(), "gate.yaml")
    assert config.link.brokers[0].host == "station.example.net"
    assert config.link.keepalive_s == 30
    head, tail = before.split("\nlink:")[0], before.split("\n# What waits")[1]
    assert set(lines(head)) - set(lines(after)) <= {
        line for line in lines(head) if "trusted_keys" in line
    }
    assert after.endswith(tail)
    assert completed(after, GIVEN) == after


def test_a_section_link_is_added_where_there_is_none() -> None:
    after = completed(SHORT, GIVEN)
    assert "node: gate-1   # north" in after
    assert "# who" in after
    assert parse(after.encode(), "gate.yaml").link.enrolment


def test_other_settings_of_link_stay_and_a_login_goes() -> None:
    link = "link: {brokers: [{host: 127.0.0.1, port: 1}], username: u, heartbeat_s: 7}\n# end\n"
    after = completed(SHORT + link, GIVEN)
    value = yaml.safe_load(after)["link"]
    assert value["heartbeat_s"] == 7
    assert "username" not in value
    assert after.endswith("# end\n")


@pytest.mark.parametrize(
    "text",
    [
        SHORT.replace("  station: cancheng\n", ""),
        SHORT.replace("run_dir: /r\n", "run_dir: /r\n  trusted_keys: '/old keys.json'\n"),
        "schema: 1\nnode: {name: N, pin_factory: mock, data_dir: /d, run_dir: /r, node: gate-1}\n",
        SHORT.rstrip("\n"),
        "\ufeff" + SHORT,
        SHORT + "link:\n",
        SHORT + "link:\n  heartbeat_s: 7",
    ],
)
def test_many_ways_to_write_it(text: str) -> None:
    after = completed(text, GIVEN)
    config = parse(after.encode(), "gate.yaml")
    assert config.node.address == GATE
    assert config.node.trusted_keys == HOME / "trusted-keys.json"
    assert completed(after, GIVEN) == after


def test_another_gates_file_is_not_touched() -> None:
    assert ids(SHORT) == {"station": "cancheng", "site": "liya-garden", "node": "gate-1"}
    check_ids(SHORT, GATE)
    with pytest.raises(CheckFailedError, match=r"node\.node: gate-1, the station gate-2"):
        check_ids(SHORT, Address("cancheng", "liya-garden", "gate-2"))


@pytest.mark.parametrize("text", ["", "[]", "a: [", "link: {}", "node: x", "{schema: 1, node: {}}"])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(ConfigError):
        completed(text, GIVEN)
