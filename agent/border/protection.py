"""What core and vision tell each other about the site's transform of templates.

Here: three messages, part of the unions in ``agent.border.messages``. The transform itself is
``models.transform``, its seeds are kept by ``agent.files.transforms``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

_STRICT = ConfigDict(extra="forbid", strict=True, defer_build=True)
TransformName = Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")]
Dim = Annotated[int, Field(ge=1, le=1024)]
Request = Annotated[int, Field(ge=0, lt=1 << 63)]


@dataclass(frozen=True, slots=True)
class Protect:
    """Core -> vision: every template is transformed by this from now on.

    Beside it: the seed, 32 bytes. What vision holds of faces under another transform is forgotten.
    """

    __pydantic_config__ = _STRICT
    transform: TransformName
    message: Literal["protect"] = "protect"


@dataclass(frozen=True, slots=True)
class Convert:
    """Core -> vision: bring kept templates under the transform of now.

    Beside it: the seed under which they are, if ``seeded``, else they are as an embedder made them;
    then float32 rows of ``dim`` values.
    """

    __pydantic_config__ = _STRICT
    request: Request
    dim: Dim
    seeded: bool
    message: Literal["convert"] = "convert"


@dataclass(frozen=True, slots=True)
class Converted:
    """Vision -> core: answer to ``Convert``; beside it the rows, in order, under ``transform``."""

    __pydantic_config__ = _STRICT
    request: Request
    dim: Dim
    transform: TransformName
    message: Literal["converted"] = "converted"
