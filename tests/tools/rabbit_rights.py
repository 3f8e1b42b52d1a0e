"""What a RabbitMQ cluster is told about Gatehouse: who may what, how much waits (docs/brokers.md).

Here: the definitions that every node loads. A gate's user is named like its certificate,
``{station}.{site}.{node}``; MQTT's ``/`` is ``.`` in RabbitMQ, so its topics begin with its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

UP = "state|meta|hb|alert|event|result|post|evidence|reported|task|report"
DOWN = "ack|cmd|desired|task"
WAITING_BYTES = 256 * 1024 * 1024


def definitions(passwords: Mapping[str, str]) -> dict[str, Any]:
    """Gates, or a station, by user name with their passwords; ``guest`` may everything."""
    users = [{"name": "guest", "password": "guest", "tags": "administrator"}]
    all_rights = {"configure": ".*", "write": ".*", "read": ".*"}
    permissions = [{"user": "guest", "vhost": "/", **all_rights}]
    topics = []
    for name, password in passwords.items():
        users.append({"name": name, "password": password, "tags": ""})
        permissions.append({"user": name, "vhost": "/", **_queues(name)})
        exchange = {"user": name, "vhost": "/", "exchange": "amq.topic"}
        topics.append(exchange | _topics(name))
    limits = {"max-length-bytes": WAITING_BYTES, "overflow": "drop-head"}
    policy = {"name": "gatehouse", "pattern": "^mqtt-subscription-", "apply-to": "queues"}
    return {
        "users": users,
        "vhosts": [{"name": "/"}],
        "permissions": permissions,
        "topic_permissions": topics,
        "policies": [{"vhost": "/", "priority": 0, "definition": limits, **policy}],
    }


def _queues(name: str) -> dict[str, str]:
    own = f"mqtt-subscription-{re.escape(name)}qos[01]"
    return {
        "configure": f"^{own}$",
        "write": f"^(amq\\.topic|{own})$",
        "read": f"^(amq\\.topic|{own})$",
    }


def _topics(name: str) -> dict[str, str]:
    own, station = re.escape(name), re.escape(name.split(".", maxsplit=1)[0])
    if own == f"{station}\\.host":
        return dict.fromkeys(("write", "read"), f"^gh\\.v1\\.{station}\\.")
    return {
        "write": f"^gh\\.v1\\.{own}\\.(drill\\.)?({UP})(\\..+)?$",
        "read": f"^gh\\.v1\\.({own}\\.(drill\\.)?({DOWN})(\\..+)?|{station}\\.host\\.state)$",
    }
