"""What the station signs: nothing leaves it that the contract does not allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.errors import CheckFailedError
from contract.signing import sign
from contract.validate import schema_problems


def signed(schema: str, body: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """*body* with its signature; CheckFailedError names what *schema* finds wrong with it."""
    document = sign(body, key)
    problems = schema_problems(schema, document)
    if problems:
        raise CheckFailedError("\n".join(map(str, problems)))
    return document
