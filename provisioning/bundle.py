"""``gatehouse bundle``: what an installer sends to whoever helps, in one file without secrets.

Here: the command, the archive, what is printed. What is gathered is ``provisioning.support_parts``'
business, what is taken out of it ``provisioning.support_cleaner``'s.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.core.errors import CheckFailedError, GatehouseError
from provisioning.call import ConfigOption, open_known
from provisioning.output import JsonFlag, show

if TYPE_CHECKING:
    from agent.config.last_good import Opened
    from provisioning.support_parts import Part

_MODE = 0o600
_CONTENTS = "CONTENTS.json"
_WHAT = {
    "about.json": ("program, system, machine", "程序、系统和主机"),
    "config.json": ("the configuration; *** for secrets, logins, labels",
                    "配置；密码、登录名和标签以 *** 代替"),
    "status.json": ("what the agent says of itself", "代理程序的自述状态"),
    "machine.json": ("clock, disks, memory, names and sizes of files",
                     "时钟、磁盘、内存，以及文件名和大小"),
    "audit.json": ("how far the audit log goes", "审计日志的末端"),
    "packages.json": ("installed packages", "已安装的软件包"),
    "units.txt": ("how systemd sees the programs", "systemd 中的服务状态"),
    "journal.txt": ("last lines of the journal", "系统日志的最后若干行"),
}  # fmt: skip
_LOG = ("last lines of a log", "日志文件的最后若干行")
NOT_IN_IT = (
    "pictures, templates, the watchlist, residents, codes, keys, passwords, names of persons",
    "图像、人脸模板、名单、住户、开门码、密钥、密码和人名",
)
_WORDS = {
    "en": ("only its owner can read it", "left out", "Not in it",
           "Look through it before you send it"),
    "zh": ("仅属主可读", "未收入", "不含", "发送前请自行查看"),
}  # fmt: skip


def bundle(
    config: ConfigOption,
    out: Annotated[
        Path | None, typer.Option(help="The file to make. 要生成的文件。", metavar="FILE")
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(help="Also the end of this log. 附上该日志的末尾。", metavar="FILE"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Gather what support needs into one file, without secrets and personal data.

    收集技术支持所需的信息，生成一个文件；不含密码、密钥和个人信息。
    """
    opened, fault, secrets = _known(config)
    from provisioning.support_cleaner import Cleaner
    from provisioning.support_parts import Gathering

    parts = list(Gathering(config, opened, fault, Cleaner(secrets)).parts(log or []))
    gate = "gate" if opened is None else opened.config.node.address.client_id
    stem = f"gatehouse-bundle-{gate}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    target = (out or Path(f"{stem}.tar.gz")).absolute()
    told: dict[str, Any] = {
        "file": str(target),
        "not_in_it": NOT_IN_IT[0],
        "parts": [_row(p) for p in parts],
    }
    told["bytes"] = _write(target, _packed(stem, parts, told))
    language = "en" if opened is None else opened.config.console.language
    show(told, _text(told, language), as_json=as_json)


def _known(config: Path) -> tuple[Opened | None, str, list[str]]:
    """The configuration, why there is none, and the secrets that it leads to."""
    from provisioning.support_cleaner import known_secrets

    try:
        opened = open_known(config)
    except GatehouseError as error:
        return None, str(error), []
    return opened, "", list(known_secrets(opened.config))


def _row(part: Part) -> dict[str, Any]:
    data = part.text.encode()
    row: dict[str, Any] = {"name": part.name, "what": _WHAT.get(part.name, _LOG)[0]}
    if part.left_out:
        return {**row, "left_out": part.left_out}
    return {**row, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _packed(stem: str, parts: Sequence[Part], told: dict[str, Any]) -> bytes:
    """The archive: everything in one folder, nobody's name on it."""
    contents = json.dumps({k: told[k] for k in ("not_in_it", "parts")}, indent=1)
    files = {_CONTENTS: contents, **{p.name: p.text for p in parts if not p.left_out}}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(f"{stem}/{name}")
            member.size, member.mode, member.mtime = len(data), _MODE, int(time.time())
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _write(target: Path, data: bytes) -> int:
    """A new file that only its owner can read; none is left behind by a full disk."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError as error:
        raise CheckFailedError(f"{target} is there already; name another with --out") from error
    except OSError as error:
        raise CheckFailedError(f"{target} cannot be made: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise CheckFailedError(f"{target} cannot be written: {error.strerror}") from error
    return len(data)


def _text(told: dict[str, Any], language: str) -> str:
    mode, left_out, not_in_it, look = _WORDS[language]
    second = language == "zh"
    lines = [f"{told['file']} ({told['bytes']} B): {mode}"]
    for row in told["parts"]:
        what = _WHAT.get(row["name"], _LOG)[second]
        why = f" [{left_out}: {row['left_out']}]" if "left_out" in row else ""
        lines.append(f"  {row['name']:<14} {what}{why}")
    lines += [f"{not_in_it}: {NOT_IN_IT[second]}", f"{look}: tar -xzOf {told['file']} | less"]
    return "\n".join(lines)
