"""``gatehouse resident``: people who live or work here and agreed to be known by face.

Photos are looked at in this process and never copied. What becomes of them is kept by the running
agent. No door opens by it yet.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.core.errors import CheckFailedError
from provisioning.call import ConfigOption, ask_agent, load_config
from provisioning.output import JsonFlag, show

if TYPE_CHECKING:
    from models.values import Vector
    from provisioning.resident_photos import ResidentPhotos

PHOTOS_ASKED, MOST_PHOTOS = 3, 5
app = typer.Typer(
    help="Residents who agreed to be known by face. 经本人同意登记的住户。", no_args_is_help=True
)
_FEW = (
    "three photos are asked for: one person is then found far more surely",
    "建议提供三张照片，识别更可靠",
)
_YOURS = (
    "the gate kept no photo; delete yours, or have it done by --destroy-photos",
    "设备未保存照片；请自行删除原照片，或使用 --destroy-photos",
)
_WORDS = {
    "en": {"enrolled": "enrolled", "again": "enrolled anew", "templates": "templates",
           "until": "until", "gone": "withdrawn, everything kept is destroyed",
           "nobody": "nobody is enrolled", "unreadable": "cannot be read"},
    "zh": {"enrolled": "已登记", "again": "已重新登记", "templates": "个模板",
           "until": "有效期至", "gone": "已注销，所存数据已销毁",
           "nobody": "无登记住户", "unreadable": "个记录无法读取"},
}  # fmt: skip


def _day(text: str) -> datetime:
    """The end of a day, by this machine's clock, or a moment with its zone."""
    try:
        if len(text) == len("2027-01-31"):
            over = date.fromisoformat(text) + timedelta(days=1)
            return datetime(over.year, over.month, over.day).astimezone()
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("a date (2027-01-31) or a time with its zone is needed")
    return moment


Who = Annotated[
    str,
    typer.Argument(
        help="The resident's id (a-z, 0-9, '-'), or a name: then an id is made. 编号或姓名",
        metavar="NAME-or-ID",
    ),
]
Photos = Annotated[
    list[Path],
    typer.Option("--photo", help="JPEG or PNG; three are asked for. 照片", metavar="FILE"),
]
Consent = Annotated[
    str,
    typer.Option(
        "--consent", help="Version of the text that was agreed to. 同意书版本", metavar="TEXT"
    ),
]
AskedBy = Annotated[
    str, typer.Option("--asked-by", help="Who asked for consent. 征询人", metavar="WHO")
]
Until = Annotated[
    datetime,
    typer.Option(
        "--until", parser=_day, help="Last day, two years on at most. 截止日", metavar="DATE"
    ),
]
Destroy = Annotated[
    bool, typer.Option("--destroy-photos", help="Overwrite and delete the files. 销毁原照片")
]


@app.command()
def enrol(
    config: ConfigOption,
    who: Who,
    photo: Photos,
    consent: Consent,
    asked_by: AskedBy,
    until: Until,
    *,
    name: Annotated[str, typer.Option("--name", help="For people at the gate. 姓名")] = "",
    unit: Annotated[str, typer.Option("--unit", help="Home or office. 房号")] = "",
    where: Annotated[str, typer.Option("--where", help="Which entrance. 出入口")] = "",
    destroy_photos: Destroy = False,
    as_json: JsonFlag = False,
) -> None:
    """登记: Keep templates of a resident who agreed. Refused photos are named, with the reason."""
    resident_id = _id_of(who)
    photos, vectors = _made(config, photo, resident_id)
    rows = [base64.b64encode(vector.astype("<f4").tobytes()).decode() for vector in vectors]
    resident: dict[str, Any] = {
        "resident_id": resident_id,
        "name": name or ("" if who == resident_id else who),
        "unit": unit,
        "where": where,
        "consent": {"asked_by": asked_by, "version": consent},
        "expires_ns": int(until.timestamp()) * 1_000_000_000,
        "templates": {photos.kept_as: rows},
    }
    answer = ask_agent(config, "resident.enrol", resident=resident)
    answer["consent"] = {**resident["consent"], "at": answer.pop("consent_at")}
    remarks = [_FEW] * (len(photo) < PHOTOS_ASKED) + [_YOURS] * (not destroy_photos)
    told = {
        **answer,
        "templates": len(rows),
        "model_id": photos.kept_as.partition("~")[0],
        "until": until.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "photos_destroyed": _destroyed(photo) if destroy_photos else [],
        "remarks": [english for english, _ in remarks],
    }
    show(told, _enrolled(told, remarks, _language(config)), as_json=as_json)


@app.command()
def withdraw(
    config: ConfigOption,
    resident: Annotated[str, typer.Argument(help="The resident's id. 编号", metavar="ID")],
    receipt: Annotated[
        Path | None,
        typer.Option("--receipt", help="Write the receipt to a new file. 回执", metavar="FILE"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """注销: Destroy what is kept of a resident, now. The receipt names what was destroyed."""
    file = None if receipt is None else _new_file(receipt)
    try:
        answer = ask_agent(config, "resident.withdraw", id=resident)
    except BaseException:
        if receipt is not None:
            receipt.unlink(missing_ok=True)
        raise
    if file is not None:
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(json.dumps(answer, indent=1) + "\n")
    words = _WORDS[_language(config)]
    text = f"{answer['id']}: {words['gone']}\nsha256 {answer['sha256']}"
    show(answer, text, as_json=as_json)


@app.command(name="list")
def list_(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """查看: Who is enrolled, by whose consent and until when. No template and no photo is shown."""
    answer = ask_agent(config, "resident.list")
    settings = load_config(config)
    words = _WORDS[settings.console.language]
    lines = [_row(one, words) for one in answer["residents"]] or [words["nobody"]]
    if answer["unreadable"]:
        lines.append(f"{answer['unreadable']} {words['unreadable']}")
    show(answer, "\n".join(lines), as_json=as_json)


def _id_of(who: str) -> str:
    from agent.residents.record import is_id

    return who if is_id(who) else f"r-{secrets.token_hex(4)}"


def _made(
    config: Path, paths: Sequence[Path], resident_id: str
) -> tuple[ResidentPhotos, list[Vector]]:
    """Templates of the photos, once nobody else among residents looks like them."""
    if len(paths) > MOST_PHOTOS:
        raise typer.BadParameter(f"at most {MOST_PHOTOS} photos")
    begun = ask_agent(config, "resident.begin")  # before the models: most faults are found here
    from agent.core.seed import Seed
    from models.engine import open_engine
    from provisioning.resident_photos import ResidentPhotos

    settings = load_config(config)
    engine = open_engine(settings.models, settings.faces.pack, settings.faces.detector)
    photos = ResidentPhotos(engine, Seed(begun["transform"], bytes.fromhex(begun["seed"])))
    vectors = photos.templates(paths)
    photos.expect_nobody_else(resident_id, vectors, _known(config, photos.kept_as))
    return photos, vectors


def _known(config: Path, kept_as: str) -> Iterator[tuple[str, list[bytes]]]:
    """Templates of all who are enrolled, a page at a time."""
    after = ""
    while True:
        page = ask_agent(config, "resident.templates", kept_as=kept_as, after=after)["residents"]
        if not page:
            return
        for one in page:
            yield one["id"], [base64.b64decode(row) for row in one["rows"]]
        after = page[-1]["id"]


def _destroyed(paths: Sequence[Path]) -> list[str]:
    from agent.files.atomic import erase

    for path in paths:
        try:
            erase(path)
        except OSError as error:
            raise CheckFailedError(
                f"enrolled, but {path} cannot be destroyed: {error.strerror or error}"
            ) from error
    return [str(path) for path in paths]


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CheckFailedError(f"{path} cannot be made: {error.strerror or error}") from error


def _language(config: Path) -> str:
    return load_config(config).console.language


def _enrolled(told: Mapping[str, Any], remarks: Sequence[tuple[str, str]], language: str) -> str:
    words, second = _WORDS[language], language == "zh"
    how = words["again" if told["replaced"] else "enrolled"]
    head = f"{told['id']}: {how}, {told['templates']} {words['templates']}, {words['until']} "
    return "\n".join([head + told["until"], *(remark[second] for remark in remarks)])


def _row(one: Mapping[str, Any], words: Mapping[str, str]) -> str:
    templates = ", ".join(f"{model} {count}" for model, count in one["templates"].items())
    about = "  ".join(part for part in (one["name"], one["unit"], one["where"]) if part)
    consent = one["consent"]
    return (
        f"{one['id']}  {about or '-'}  {words['until']} {one['until']}  "
        f"{consent['version']} ({consent['asked_by']}, {consent['at']})  {templates}"
    )
