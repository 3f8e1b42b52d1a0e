"""How long a broker may keep a message for who is away: a property of MQTT 5.

For both ends of the wire (``agent.link.mqtt`` and ``station.mqtt``); the limits themselves are the
contract's (``contract.routes``).
"""

from __future__ import annotations

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from contract.routes import expiry_s


def expiry_of(topic: str, protocol: str) -> Properties | None:
    """The properties of a message on *topic*; None where contract or protocol know no limit."""
    limit_s = expiry_s(topic) if protocol == "5" else None
    if limit_s is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = limit_s
    return properties
