"""Completing a gate's configuration file with what the station gave: text in, text out.

Comments and everything else an installer wrote stay as they are; only the section ``link`` is
written anew (its other settings are kept) and ``node.trusted_keys`` set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agent.config.yaml12 import NotYamlError, read
from agent.core.errors import CheckFailedError, ConfigError
from contract.join import Place
from contract.topics import Address

_IDS = ("station", "site", "node")
_LOGIN = ("username", "password_file")


@dataclass(frozen=True, slots=True)
class Given:
    """What joining adds: where the gate's identity lies, and where the station is."""

    gate: Address
    identity: Path
    authority: Path
    trusted_keys: Path
    brokers: Sequence[Place]
    enrolment: Sequence[Place]

    def link(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The section ``link``, with the other settings of the one *before*."""
        tls = {
            "ca_file": str(self.authority),
            "cert_file": str(self.identity),
            "key_file": str(self.identity),
        }
        made = {
            "brokers": [{**_place(p), "tls": dict(tls)} for p in self.brokers],
            "enrolment": [_place(p) for p in self.enrolment],
        }
        dropped = (*made, *_LOGIN)
        return made | {key: value for key, value in before.items() if key not in dropped}


def written(given: Given, data_dir: Path) -> str:
    """A configuration for a gate that has none yet."""
    gate = given.gate
    node = {
        "station": gate.station,
        "site": gate.site,
        "node": gate.node,
        "name": f"{gate.site} {gate.node}",
        "pin_factory": "lgpio",
        "data_dir": str(data_dir),
        "run_dir": "/run/gatehouse",
        "trusted_keys": str(given.trusted_keys),
    }
    head = "# Written by 'gatehouse join'. Add inputs, outputs, cameras: see examples/gate.yaml.\n"
    return head + _dumped({"schema": 1, "node": node}) + _dumped({"link": given.link({})})


def completed(text: str, given: Given) -> str:
    """The configuration *text* with what was given; ConfigError when it is no mapping of YAML."""
    root = _root(text)
    value = values(text)
    edits = [*_node_edits(root, given), _link_edit(text, root, value.get("link"), given)]
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def values(text: str) -> dict[str, Any]:
    """What stands in a configuration, unchecked; ConfigError when it is no mapping of YAML."""
    try:
        value = read(text.removeprefix("\ufeff")).value
    except NotYamlError as error:
        raise ConfigError(f"the configuration is no YAML: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError("the configuration is no mapping")
    return value


def ids(text: str) -> dict[str, str]:
    """Station, site and node, as far as the file names them."""
    node = values(text).get("node")
    found = node if isinstance(node, dict) else {}
    return {key: str(found[key]) for key in _IDS if found.get(key)}


def check_ids(text: str, gate: Address) -> None:
    """CheckFailedError when the file is another gate's."""
    for key, value in ids(text).items():
        if value != getattr(gate, key):
            raise CheckFailedError(
                f"the configuration says node.{key}: {value}, the station {getattr(gate, key)}; "
                "put one of them right"
            )


Edit = tuple[int, int, str]


def _node_edits(root: yaml.MappingNode, given: Given) -> list[Edit]:
    node = _child(root, "node")
    if node is None or not isinstance(node[1], yaml.MappingNode) or not node[1].value:
        raise ConfigError("the configuration has no section 'node'")
    section = node[1]
    wanted = {key: getattr(given.gate, key) for key in _IDS}
    wanted["trusted_keys"] = str(given.trusted_keys)
    first = section.value[0][0].start_mark
    missing = []
    edits: list[Edit] = []
    for key, value in wanted.items():
        found = _child(section, key)
        if found is None:
            missing.append(f"{key}: {_scalar(value)}")
        elif found[1].value != value:
            edits.append((found[1].start_mark.index, found[1].end_mark.index, _scalar(value)))
    gap = ", " if section.flow_style else "\n" + " " * first.column
    new = "".join(f"{line}{gap}" for line in missing)
    return [*edits, (first.index, first.index, new)]


def _link_edit(text: str, root: yaml.MappingNode, before: object, given: Given) -> Edit:
    new = _dumped({"link": given.link(before if isinstance(before, dict) else {})})
    found = _child(root, "link")
    if found is None:
        return len(text), len(text), ("" if text.endswith("\n") else "\n") + "\n" + new
    start, end = found[0].start_mark.index, found[1].end_mark.index
    old = text[start:end]
    kept = old.splitlines(keepends=True)
    while kept and (not kept[-1].strip() or kept[-1].startswith("#")):
        kept.pop()
    end = start + len("".join(kept))
    return start, end, new if text[end - 1 : end] == "\n" else new.rstrip("\n")


def _root(text: str) -> yaml.MappingNode:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
    except (ValueError, OverflowError, yaml.YAMLError) as error:
        raise ConfigError(f"the configuration is no YAML: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise ConfigError("the configuration is no mapping with a section a line")
    return node


def _child(node: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _scalar(value: str) -> str:
    return _dumped({"x": value}).removeprefix("x: ").rstrip("\n")


def _dumped(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=1000)


def _place(place: Place) -> dict[str, Any]:
    return {"host": place.host, "port": place.port}
