"""Renews the figures in docs/accuracy.md: ``python -m supply.accuracy PAGE DATA PACK...``.

*DATA* is the folder of evaluation photos (``../shared/data``), whose collections lie in places of
their own; here they become the groups of ``gatehouse models evaluate``, which measures them. What
stands between the markers of a pack is replaced, nothing else.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from models.evaluate import Rate
from models.evaluate_report import FPIRS, GALLERIES, PHOTOS, AtShipped, Evaluation, Group
from provisioning.evaluate import measure
from provisioning.progress import bars

# Group by group, where its people lie below the data folder.
GROUPS = {
    "casia": "faces/casia_facev5_subset",
    "nuaa-live": "pad/nuaa/real",
    "lfw-grey": "faces/lfw_gray250",
    "lfw-colour": "faces/lfw_aligned112_colour",
    "tv-stills": "faces/faceapi_bbt",
    "press-five": "faces/dlib_johns150",
}


def main() -> None:
    """Measure every pack twice, all people and those kept aside, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("packs", nargs="+")
    parser.add_argument("--detector", help="the pack that finds the faces of all")
    parser.add_argument("--dir", type=Path, default=None, help="the packs' folder")
    options = parser.parse_args()
    text = options.page.read_text("utf-8")
    with tempfile.TemporaryDirectory() as made, bars() as stage:
        for name, place in GROUPS.items():
            (Path(made) / name).symlink_to((options.data / place).resolve())
        for pack in options.packs:
            people = ["all", "held-out"]
            found = measure(Path(made), pack, people, options.dir, stage, options.detector)
            text = replaced(text, pack, "\n".join(map(tables, found)))
    options.page.write_text(text, "utf-8")


def replaced(text: str, pack: str, figures: str) -> str:
    """*text* with *figures* between the markers of *pack*; ValueError when it has none."""
    opening, closing = f"<!-- figures {pack} -->", f"<!-- end {pack} -->"
    pattern = re.compile(f"{re.escape(opening)}.*{re.escape(closing)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the page has no markers {opening} and {closing}")
    return pattern.sub(lambda _: f"{opening}\n{figures}\n{closing}", text)


def tables(found: Evaluation) -> str:
    """All tables of one evaluation, Markdown."""
    ratio = found.worst_best_far_ratio
    lines = [
        f"### {found.pack}, {found.people.value} people, threshold {found.threshold:g}",
        "",
        (f"`{found.model_id}`, faces found by `{found.detector}`; worst FAR over best, groups of"
         f" 500 pairs and more: {'not shown' if ratio is None else f'{ratio:.3g}'}."),
        "",
        *_table(
            ("group", "people", "photos", "acquired", "genuine", "impostors", "TAR at FAR 1 %",
             "0.1 %", "0.01 %", "FAR as shipped", "TAR as shipped"),
            (_pairs(name, group) for name, group in found.groups.items()),
        ),
        *_table(
            ("FNIR, group", "gallery", "photos", *(f"at FPIR {100 * f:g} %" for f in FPIRS),
             "FPIR as shipped", "FNIR as shipped", "strangers (joined)", "fillers"),
            (row for name, group in found.groups.items() for row in _open(name, group)),
        ),
        *_table(
            ("passage of 3 frames", "false leads", "false reviews", "true leads", "true reviews"),
            (_passages(name, group) for name, group in found.groups.items()),
        ),
    ]  # fmt: skip
    return "\n".join(lines)


def _pairs(name: str, group: Group) -> tuple[str, ...]:
    return (
        name, str(group.people), str(group.images), str(group.acquired), str(group.genuine),
        str(group.impostors), *(_share(row.tar) for row in group.tar_at_far),
        _share(group.far_at_threshold), _share(group.tar_at_threshold),
    )  # fmt: skip


def _open(name: str, group: Group) -> Iterator[tuple[str, ...]]:
    shipped = {(row.gallery, row.photos): row for row in group.open_set_at_threshold}
    for size in GALLERIES:
        for photos in PHOTOS:
            rows = [row for row in group.open_set if (row.gallery, row.photos) == (size, photos)]
            if not any(row.fnir for row in rows):
                continue
            yield (
                name, str(size), str(photos), *(_share(row.fnir) for row in rows),
                *_as_shipped(shipped.get((size, photos))),
                " / ".join(f"{row.strangers} ({row.joined})" for row in rows),
                str(rows[0].fillers),
            )  # fmt: skip


def _as_shipped(row: AtShipped | None) -> tuple[str, str]:
    return ("–", "–") if row is None else (_share(row.fpir), _share(row.fnir))


def _passages(name: str, group: Group) -> tuple[str, ...]:
    found = group.passages
    rates = (found.false_leads, found.false_reviews, found.true_leads, found.true_reviews)
    return (name, *(_share(rate) for rate in rates))


def _share(rate: Rate | None) -> str:
    """The rate in percent with its interval; a dash where it cannot be shown."""
    if rate is None or not rate.trials:
        return "–"
    low, high = (100 * bound for bound in rate.bounds)
    return f"{100 * rate.value:.3g} % ({low:.3g}–{high:.3g})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


if __name__ == "__main__":
    main()
