"""``gatehouse models quantize``: the int8 form of a pack, and what it costs.

Here: options and what is printed. Not here: making and measuring (``models.quantized``).
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioning.output import JsonFlag, show

if TYPE_CHECKING:
    from models.quantized import Cost


def quantize(
    pack: Annotated[str, typer.Argument(help="Of which pack; it must be here.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Measure on GROUP/PERSON/IMAGE too.", exists=True,
                     file_okay=False),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The packs' folder.", show_default=False)
    ] = None,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """Make the int8 form of a pack beside it, prove it and print its cost and gain.

    It is faster and compares worse, with thresholds and templates of its own. Nothing uses it
    until faces.pack names it.
    """
    from models.packs import models_dir, read_manifest
    from models.quantized import cost, quantize_pack
    from provisioning.progress import bars

    folder = models_dir(directory)
    with bars() as stage:
        place = quantize_pack(pack, folder, stage)
        found = cost(pack, folder, data, stage)
    body = read_manifest(folder, place.name).body
    told = {
        "pack": place.name,
        "of": pack,
        "model_id": body.model_id,
        "review_only": body.review_only,
        "place": str(place),
        "cost": asdict(found) | {"times_faster": found.pack_ms / found.int8_ms},
    }
    lines = [
        f"{place.name} is ready in {place} ({body.model_id})",
        *_text(found),
        f"  use it: faces.pack: {place.name} (entries must be sent again: docs/packs.md)",
    ]
    show(told, "\n".join(lines), as_json=as_json)


def _text(found: Cost) -> list[str]:
    """A line a measurement."""
    lines = [
        f"  {one.name}, {one.faces} faces: own score {one.own_mean:.4f}"
        f" (worst {one.own_worst:.4f}); scores of two move {one.pairs_mean:.4f}"
        f" (at most {one.pairs_worst:.4f}), {one.pairs_bias:+.4f} on the whole"
        for one in found.changes
    ]
    gain = (
        f"  {found.pack_ms:.1f} -> {found.int8_ms:.1f} ms of processor time a template,"
        f" {found.pack_ms / found.int8_ms:.1f} times faster here;"
        f" {found.pack_bytes / 1e6:.1f} -> {found.int8_bytes / 1e6:.1f} MB"
    )
    return [*lines, gain]
