"""``gatehouse models evaluate-liveness``: how often attacks pass, how often people are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provisioning.output import JsonFlag, show

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_HEAD = (
    "| collection | species | people | clips | windows | {0} | {0} of decided | undecided |\n"
    "|---|---|---|---|---|---|---|---|"
)


def evaluate_liveness(
    data: Annotated[
        Path,
        typer.Option(help="Folder with live/CLIP/PICTURE and attack/SPECIES/CLIP/PICTURE."),
    ],
    pack: Annotated[str, typer.Option(help="Which liveness pack.")] = "minifasnet",
    detector: Annotated[str, typer.Option(help="Which detector pack.")] = "yunet",
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The packs' folder.", show_default=False)
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="A page in which the tables are renewed.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure a liveness pack on your own clips: APCER for each species, BPCER, undecided apart."""
    from models.evaluate_liveness import look, report
    from models.livecheck import LivenessCheck
    from models.packs import load_detector, load_liveness, models_dir
    from models.pad_data import clips_below

    folder = models_dir(directory)
    live = load_liveness(folder, pack)
    check = LivenessCheck(live.net)
    finder = load_detector(folder, detector)
    looked = look(finder.detector, check, clips_below(data))
    told = {
        "pack": live.body.model_id,
        "detector": finder.manifest.body.model_id,
        **report(looked, check.rule),
    }
    text = tables(told)
    if page is not None:
        _renew(page, text)
    show(told, text, as_json=as_json)


def tables(told: dict[str, Any]) -> str:
    """The figures as Markdown tables."""
    lines = [
        (
            f"Pack `{told['pack']}`, detector `{told['detector']}`, windows of"
            f" {told['rule']['frames']} frames. In brackets the exact 95 % interval."
        ),
        "",
        _HEAD.format("BPCER"),
        *(_line(row, "bpcer", "bpnrr") for row in told["live"]),
        "",
        _HEAD.format("APCER"),
        *(_line(row, "apcer", "apnrr") for row in [*told["attacks"], *told["all_attacks"]]),
        "",
        (
            "| pictures made | faces | windows passed, refused, undecided"
            " | frames that the networks alone accept |"
        ),
        "|---|---|---|---|",
    ]
    for name, kinds in told["strains"].items():
        for kind, row in kinds.items():
            counts = ", ".join(str(count) for count in row["windows"].values())
            alone = _share(row["frames_accepted_by_networks_alone"])
            lines.append(f"| {name.replace('_', ' ')} | {kind} | {counts} | {alone} |")
    turn = told["turn"]
    lines += [
        "",
        (
            f"Prompted turn of the head, each of {turn['clips']} attack clips taken as the answer"
            f" to either side: passed {_share(turn['passed_to_either_side'])}."
        ),
    ]
    return "\n".join(lines)


def _line(row: dict[str, Any], name: str, unsure: str) -> str:
    cells = [row["collection"], row["species"], row["people"], row["clips"], row["windows"]]
    cells += [_share(row[name]), _share(row[f"{name}_of_decided"]), _share(row[unsure])]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _share(told: dict[str, Any]) -> str:
    if not told["trials"]:
        return "none"
    low, high = (f"{bound * 100:.1f}" for bound in told["interval95"])
    return f"{told['hits']} of {told['trials']} ({low} to {high} %)"


def _renew(page: Path, text: str) -> None:
    """Put *text* between the page's marks; a page without them is a mistake of the caller."""
    old = page.read_text(encoding="utf-8")
    if BEGIN not in old or END not in old:
        raise typer.BadParameter(f"{page} has no '{BEGIN}' and '{END}'")
    before, after = old.split(BEGIN)[0], old.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
