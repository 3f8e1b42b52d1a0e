"""The whole configuration file (CONTRACT 7)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from agent.config.schema.answering import Answering
from agent.config.schema.base import Id, Section
from agent.config.schema.devices import Access, Input, Output
from agent.config.schema.evidence import Evidence
from agent.config.schema.rules import Rule
from agent.config.schema.site import Console, Link, Log, Node, Outbox, Privacy
from agent.config.schema.vision import Camera, Faces, Models


class Config(Section):
    """One gate. Every section but ``node`` and ``link`` may be left out."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    node: Node
    link: Link
    outbox: Outbox = Outbox()
    inputs: dict[Id, Input] = {}
    outputs: dict[Id, Output] = {}
    cameras: dict[Id, Camera] = {}
    faces: Faces = Faces()
    models: Models = Models()
    evidence: Evidence | None = None
    rules: list[Rule] = []
    access: Access = Access()
    answering: Answering = Answering()
    privacy: Privacy = Privacy()
    console: Console = Console()
    log: Log = Log()
    _sha256: str = PrivateAttr("")

    @property
    def sha256(self) -> str:
        """Of all its values, whatever the file looks like."""
        if not self._sha256:
            self._sha256 = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return self._sha256
