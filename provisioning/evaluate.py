"""``gatehouse models evaluate``: how often a pack errs on the photos in a folder.

Here: options, files, what is printed. Not here: the figures (``models.evaluate_report``), the page
(``models.evaluate_page``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.core.errors import PackError
from provisioning.output import JsonFlag, show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.evaluate import Rate
    from models.evaluate_open import OpenRow
    from models.evaluate_report import Evaluation

_SMALLEST_PX = 45


def evaluate(
    data: Annotated[
        Path,
        typer.Option("--data", help="GROUP/PERSON/IMAGE.", exists=True, file_okay=False),
    ],
    pack: Annotated[str, typer.Option("--pack", help="Which pack.")] = "dlib",
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with curves here.")
    ] = None,
    people: Annotated[
        str, typer.Option("--people", help="all, development or held-out (docs/accuracy.md).")
    ] = "all",
    detector: Annotated[
        str | None,
        typer.Option("--detector", help="Which pack finds the faces; none: as faces.detector."),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The packs' folder.", show_default=False)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure a pack on labelled photos: false and missed matches, group by group.

    Photos are read where they lie; nothing of them is kept. Use photos of people like those who
    pass the gate, taken by its camera.
    """
    from models.evaluate_page import page
    from models.evaluate_report import as_json as report
    from provisioning.progress import bars

    with bars() as stage:
        (found,) = measure(data, pack, [people], directory, stage, detector)
    if html is not None:
        try:
            html.write_text(page(found), encoding="utf-8")
        except OSError as error:
            raise PackError(f"{html} cannot be written ({error.strerror})") from error
    show(report(found), _text(found), as_json=as_json)


def measure(
    data: Path,
    pack: str,
    people: Sequence[str],
    directory: Path | None,
    stage: Callable[[str, float], None],
    detector: str | None = None,
) -> list[Evaluation]:
    """An evaluation of *pack* for each choice of *people*; photos below *data* are read once.

    Without *detector* the one that a gate without ``faces.detector`` takes.
    """
    from models.engine import open_pack
    from models.evaluate_groups import People, read_groups
    from models.evaluate_report import evaluate as figures
    from models.packs import models_dir
    from models.quality import live_gate

    wrong = set(people) - {choice.value for choice in People}
    if wrong:
        raise PackError(f"--people {', '.join(wrong)}: choose {', '.join(People)}")
    engine = open_pack(models_dir(directory), pack, detector=detector)
    chosen = [People(choice) for choice in people]
    groups = read_groups(engine, data, live_gate(_SMALLEST_PX), chosen, stage)
    found = []
    for choice in chosen:
        some = {name: of for name, group in groups.items() if (of := group.of(choice.has)).images}
        found.append(
            figures(
                pack, engine.model_id, engine.thresholds, engine.metric, some,
                detector=engine.detector_id, people=choice, stage=stage,
            )
        )  # fmt: skip
    return found


def _text(found: Evaluation) -> str:
    head = f"{found.pack} ({found.model_id}) at {found.threshold:g}, people: {found.people}"
    lines = [f"{head}, faces found by {found.detector}"]
    for name, group in found.groups.items():
        lines += [
            f"{name}: {group.people} people, {group.acquired} of {group.images} photos usable",
            f"  FAR {_rate(group.far_at_threshold)}  TAR {_rate(group.tar_at_threshold)}",
        ]
        lines += _searches(group.open_set)
    return "\n".join(lines)


def _searches(rows: Sequence[OpenRow]) -> list[str]:
    """A line a gallery: FNIR at each FPIR, or why there is none."""
    lines: dict[tuple[int, int], list[str]] = {}
    for row in rows:
        told = f"FPIR {row.fpir:g}: FNIR {_rate(row.fnir)}" if row.fnir else row.why
        line = lines.setdefault((row.gallery, row.photos), [])
        if told not in line:
            line.append(told)
    return [
        f"  gallery {size}, {photos} photo(s): {'; '.join(line)}"
        for (size, photos), line in lines.items()
    ]


def _rate(rate: Rate | None) -> str:
    if rate is None or not rate.trials:
        return "not shown (too few)"
    low, high = rate.bounds
    return f"{rate.value:.2g} ({low:.2g} to {high:.2g})"
