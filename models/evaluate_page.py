"""The evaluation as a page that a buyer reads: one file, no script, nothing loaded from elsewhere.

Here: words and tables. Not here: the figures (``models.evaluate_report``), the curves
(``models.evaluate_curve``).
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from models.evaluate import Rate
from models.evaluate_curve import det_svg
from models.evaluate_report import SHOWN_GALLERY, Evaluation, Group

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#111;
background:#fff}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}
th,td{border:1px solid #bbb;padding:.3rem .6rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}caption{text-align:left;font-weight:600}
small{color:#444}svg{max-width:44rem;width:100%;height:auto;font:12px system-ui,sans-serif}
.grid{stroke:#ddd}.tick,.axis{text-anchor:middle}.end{text-anchor:end;dominant-baseline:middle}
""".strip()

_WORDS = """
<dl>
<dt>FMR (here also FAR)</dt><dd>False match rate: the share of pairs of photos of two different
people that are taken for one person.</dd>
<dt>FNMR (1 - TAR)</dt><dd>False non-match rate: the share of pairs of photos of one person that
are not recognised.</dd>
<dt>FPIR</dt><dd>False positive identification rate: the share of searches by people who are
<em>not</em> enrolled that return anybody. This is the rate of false alarms.</dd>
<dt>FNIR</dt><dd>False negative identification rate: the share of searches by enrolled people that
do not return them first and above the threshold. This is the rate of misses.</dd>
<dt>FTA</dt><dd>Failure to acquire: the share of photos in which no usable face was found. Such
photos are in none of the other rates; a person who hides the face is not found by any system.</dd>
</dl>
""".strip()

_LIMITS = """
<ul>
<li>Rates hold for people, cameras and light like those measured. A gate with other people or
another camera has other rates; measure there.</li>
<li>Brackets are Wilson's 95 % intervals over comparisons. Comparisons of few people depend on each
other, so with fewer than about a hundred people the truth may lie well outside them.</li>
<li>&ldquo;&ndash;&rdquo; means that there were too few people or photos to show the rate, not that
it is nought.</li>
<li>No rate here speaks of printed photos, screens or masks held before the camera: that is
presentation attack detection and is measured apart.</li>
<li>Groups are names of photo collections, not measurements of anybody's origin, age or sex; the
program measures none of these.</li>
<li>A match is a lead that a person must confirm. Where one wanted person passes in a hundred days
among 3,000 passages a day, an FPIR of 0.001 means three false leads a day, and nearly every lead
is false.</li>
</ul>
""".strip()


def page(evaluation: Evaluation) -> str:
    """The whole page."""
    title = escape(f"Face comparison with the pack {evaluation.pack}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join([f"<h1>{title}</h1>", *_body(evaluation)])
        + "\n</body></html>\n"
    )


def _body(evaluation: Evaluation) -> list[str]:
    gallery, photos = SHOWN_GALLERY
    return [
        (
            f"<p>Model {escape(evaluation.model_id)}, faces found by"
            f" {escape(evaluation.detector)}. One threshold for everybody:"
            f" <strong>{evaluation.threshold:g}</strong> (higher is stricter). People:"
            f" {evaluation.people.value}.{_ratio(evaluation)}</p>"
        ),
        _sample_table(evaluation),
        _pair_table(evaluation),
        det_svg(
            {name: group.det for name, group in evaluation.groups.items()},
            "FMR (false match rate)",
            "FNMR (false non-match rate)",
            [_mark(group) for group in evaluation.groups.values()],
        ),
        (
            "<p>One photo against one photo. Dots: the shipped threshold. Further down and left is"
            " better.</p>"
        ),
        _shipped_table(evaluation),
        _open_table(evaluation),
        det_svg(
            {name: group.det_open for name, group in evaluation.groups.items()},
            f"FPIR, gallery of {gallery}, {photos} photo",
            "FNIR",
        ),
        "<p>Searches in a gallery; strangers of the group itself.</p>",
        _passage_table(evaluation),
        "<h2>What the words mean</h2>",
        _WORDS,
        "<h2>What cannot be claimed</h2>",
        _LIMITS,
    ]


def _ratio(evaluation: Evaluation) -> str:
    ratio = evaluation.worst_best_far_ratio
    if ratio is None:
        return " Too few groups are large enough to compare their false match rates."
    return f" The false match rate of the worst group is {ratio:.3g} times that of the best."


def _mark(group: Group) -> tuple[float, float]:
    if not group.far_at_threshold.trials or not group.tar_at_threshold.trials:
        return 1.0, 1.0
    return group.far_at_threshold.value, 1 - group.tar_at_threshold.value


def _sample_table(evaluation: Evaluation) -> str:
    rows = [
        (
            name, str(group.people), str(group.images), str(group.acquired),
            _shown(Rate(group.images - group.acquired, group.images)),
            ", ".join(f"{why} {number}" for why, number in group.failures.items()) or "none",
        )
        for name, group in evaluation.groups.items()
    ]  # fmt: skip
    heads = ("group", "people", "photos", "acquired", "FTA", "why")
    return _table("Who was measured", heads, rows)


def _pair_table(evaluation: Evaluation) -> str:
    fars = [f"TAR at FAR {row.far:g}" for row in next(iter(evaluation.groups.values())).tar_at_far]
    rows = [
        (
            name, str(group.genuine), str(group.impostors),
            *(_shown(row.tar) for row in group.tar_at_far),
            _shown(group.far_at_threshold), _shown(group.tar_at_threshold),
        )
        for name, group in evaluation.groups.items()
    ]  # fmt: skip
    heads = ("group", "same person", "two people", *fars, "FAR as shipped", "TAR as shipped")
    return _table("One photo against one photo", heads, rows)


def _shipped_table(evaluation: Evaluation) -> str:
    rows = [
        (name, str(row.gallery), str(row.photos), _shown(row.fpir), _shown(row.fnir))
        for name, group in evaluation.groups.items()
        for row in group.open_set_at_threshold
    ]
    heads = ("group", "gallery", "photos each", "FPIR", "FNIR")
    return _table("Searches at the shipped threshold (single frames)", heads, rows)


def _open_table(evaluation: Evaluation) -> str:
    rows = [
        (
            name, str(row.gallery), str(row.photos), f"{row.fpir:g}", _shown(row.fnir),
            str(row.strangers), str(row.joined), str(row.fillers), row.why,
        )
        for name, group in evaluation.groups.items()
        for row in group.open_set
    ]  # fmt: skip
    heads = (
        "group", "gallery", "photos each", "at FPIR", "FNIR", "strangers",
        "of other groups", "enrolled of other groups", "remark",
    )  # fmt: skip
    return _table("Searches at the group's own threshold for each FPIR", heads, rows)


def _passage_table(evaluation: Evaluation) -> str:
    rows = [
        (
            name,
            _shown(group.passages.false_leads),
            _shown(group.passages.false_reviews),
            _shown(group.passages.true_leads),
            _shown(group.passages.true_reviews),
        )
        for name, group in evaluation.groups.items()
    ]
    heads = ("group", "false lead", "false review", "true lead", "true review")
    return _table("Passages of three frames against one photo, decided as at a gate", heads, rows)


def _table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = ["<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table><caption>{escape(caption)}</caption><tr>{top}</tr>{''.join(lines)}</table>"


def _cell(text: str) -> str:
    value, bracket, rest = text.partition(" [")
    return escape(value) + (f" <small>[{escape(rest)}</small>" if bracket else "")


def _shown(rate: Rate | None) -> str:
    """A rate with its interval; a dash without a trial."""
    if rate is None or not rate.trials:
        return "–"
    low, high = rate.bounds
    return f"{rate.value:.3g} [{low:.2g}, {high:.2g}]"
