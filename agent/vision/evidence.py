"""Pictures of leads, where the site's configuration holds a basis for sending one.

Here: whether one is made, and what becomes of it until the core has it. The pixels are
``models.evidence``'s. Whatever fails, there is no picture: the lead goes without it and says why.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

from agent.border.messages import Sighting
from agent.config.schema.evidence import Evidence
from agent.core.errors import PhotoError
from models.evidence import Detect, picture_of
from models.values import Box, Image

Make = Callable[[Image, Box, Detect, int], bytes]


class Pictures:
    """Makes at most one picture of a sighting and hands it over once."""

    def __init__(
        self,
        basis: Evidence | None,
        utc_ns: Callable[[], int],
        make: Make = picture_of,
    ) -> None:
        """*basis* None: none is ever made. *utc_ns*: the wall clock, asked for each picture."""
        self._basis = basis
        self._utc_ns = utc_ns
        self._make = make
        self._made: dict[str, bytes] = {}

    def with_one(self, sighting: Sighting, frame: Image, lead: Box, detect: Detect) -> Sighting:
        """*sighting* naming its picture, or why it has none; as it was where none is due."""
        basis = self._basis
        if basis is None or sighting.band != "lead":
            return sighting
        ended = basis.ended(self._utc_ns())
        if ended:
            return dataclasses.replace(sighting, withheld=ended)
        try:
            jpeg = self._make(frame, lead, detect, basis.longest_px)
        except PhotoError as error:
            return dataclasses.replace(sighting, withheld=str(error)[:300])
        except Exception as error:  # noqa: BLE001 - whatever failed, nothing leaves
            return dataclasses.replace(
                sighting, withheld=f"the blur failed: {type(error).__name__}"
            )
        name = hashlib.sha256(jpeg).hexdigest()
        self._made[name] = jpeg
        return dataclasses.replace(sighting, picture=name)

    def take(self, sighting: Sighting) -> bytes:
        """The picture that *sighting* names, for the last time; empty where it has none."""
        return self._made.pop(sighting.picture, b"")
