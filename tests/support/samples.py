"""One whole gate as its installer writes it, and pieces of it that tests replace."""

from __future__ import annotations

import itertools
from typing import Any

from agent.config.load import InvalidConfigError, parse
from agent.config.schema.root import Config
from agent.core.clock import ManualClock, Stamp, stamp
from agent.core.events import InputChanged, InputState
from agent.core.ids import DeviceName
from agent.core.ports import Entry, Lane
from contract.topics import Address

ADDRESS = Address("cancheng", "liya-garden", "gate-1")

GATE_YAML = """\
schema: 1
node:
  station: cancheng
  site: liya-garden
  node: gate-1
  name: {en: North gate, zh: 北门}
  pin_factory: mock
  data_dir: /var/lib/gatehouse
  run_dir: /run/gatehouse
link:
  brokers:
    - {host: 127.0.0.1, port: 1883}
inputs:
  panic-1: {type: panic, pin: 5, where: north-gate, name: {en: Guard desk, zh: 岗亭}}
  medical-1: {type: medical, pin: 6, where: north-gate, name: 医疗}
  assist-1: {type: assist, pin: 12, where: north-gate, name: Assist}
  reset-1: {type: reset, pin: 13, where: north-gate, name: Reset key}
  exit-1: {type: exit, pin: 16, where: north-gate, name: Exit}
  door-1: {type: door, pin: 17, where: north-gate, name: {en: Side door, zh: 侧门}}
  loop-1: {type: tamper, cut_pin: 18, short_pin: 19, where: cabinet, name: Cabinet line}
  lane-1: {type: vehicle, pin: 20, where: lane, name: Lane}
outputs:
  siren-1: {type: siren, pin: 21, name: Siren}
  beacon-1: {type: beacon, pin: 22, name: Beacon}
  lock-1: {type: gate, pin: 23, name: Lock}
cameras:
  north:
    source: {type: file, path: /srv/north.mp4}
    where: north-gate
    name: {en: North camera, zh: 北门摄像机}
rules:
  - {type: panic, outputs: [siren-1]}
access:
  doors:
    side: {contact: door-1, relay: lock-1, exit: exit-1}
"""


def gate(*replaced: tuple[str, str]) -> Config:
    """The sample gate with *(old, new)* pieces of its text replaced; each must be there."""
    return parse(gate_text(*replaced).encode(), "gate.yaml")


def faults_of(*replaced: tuple[str, str]) -> list[str]:
    """What is wrong with the sample gate so changed, as ``path: message``."""
    try:
        gate(*replaced)
    except InvalidConfigError as error:
        return [f"{problem.path}: {problem.message}" for problem in error.problems]
    return []


def gate_text(*replaced: tuple[str, str]) -> str:
    """The sample's text with pieces replaced."""
    text = GATE_YAML
    for old, new in replaced:
        if old not in text:
            raise ValueError(f"the sample has no {old!r}")
        text = text.replace(old, new)
    return text


def changed(
    clock: ManualClock, device: str, state: InputState, *, initial: bool = False
) -> InputChanged:
    """An input that settled now."""
    return InputChanged(stamp(clock), DeviceName(device), state, initial)


def at(clock: ManualClock) -> Stamp:
    """Now."""
    return stamp(clock)


def entry(number: int, lane: Lane = Lane.ALARM, **fields: Any) -> Entry:
    """An entry whose id tells lane and number; ``seq`` is the number."""
    values: dict[str, Any] = {
        "id": f"{lane.name.lower()}-{number}",
        "lane": lane,
        "seq": number,
        "topic": ADDRESS.topic("alert" if lane is Lane.ALARM else "event"),
        "body": b'{"seq":%d,"replayed":false}' % number,
        "accepted_utc_ns": number,
    }
    return Entry(**{**values, **fields})


class Numbers:
    """Ids that tell their order: ``id-1``, ``id-2``."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self) -> str:
        """The next one."""
        return f"id-{next(self._numbers)}"
