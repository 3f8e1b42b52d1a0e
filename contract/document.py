"""The contract as a page for people: ``python -m contract.document docs/contract.md``.

Made from ``asyncapi.yaml``, the schemas, the examples and ``rules.md`` (the prose, with ``$name``
where something is filled in). A test holds the committed page against what is made here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from string import Template

from contract import asyncapi, fields
from contract.asyncapi import Channel, Message
from contract.signing import canonical
from contract.words import (
    CONTRACT_VERSION,
    MAX_ALERT_BYTES,
    MAX_CHUNKED_BYTES,
    MAX_CHUNKS,
    MAX_MESSAGE_BYTES,
    CommandName,
    Role,
)

RESENDS = "10, 20 and 40 s after the last sending, then every 60 s for ever"
RESENDS_PER_S = 5
BASE = "gh/v1/{station}/{site}/{node}"
DRILL = "/drill/"
SIGNS_BESIDES = {Role.WATCHLIST: "the document `watchlist`", Role.CONFIG: "bulletins"}
LONGEST_TEXT = 120
PARTS = ("watchlist-entry", "face-lead")


def page() -> str:
    """The whole page, Markdown."""
    rules = (resources.files("contract") / "rules.md").read_text(encoding="utf-8")
    return Template(rules).substitute(
        contract_version=CONTRACT_VERSION,
        topics=_topics(),
        parameters=_parameters(),
        resends=RESENDS,
        resends_per_s=RESENDS_PER_S,
        trusted_keys=_json("trusted-keys.json"),
        canonical=_canonical("cmd.door.open.json"),
        roles=_roles(),
        max_alert=MAX_ALERT_BYTES,
        max_message=MAX_MESSAGE_BYTES,
        max_chunks=MAX_CHUNKS,
        max_chunked=MAX_CHUNKED_BYTES,
        messages=_messages(),
    )


def _topics() -> str:
    channels = [channel for channel in asyncapi.channels() if DRILL not in channel.address]
    drilled = {
        channel.address.replace(DRILL, "/")
        for channel in asyncapi.channels()
        if DRILL in channel.address
    }
    lines = ["| topic | goes | QoS | retained | drill | body |", "|---|---|---|---|---|---|"]
    for channel in channels:
        expiry = "" if channel.expiry_s is None else f", expires in {channel.expiry_s} s"
        kept = ("yes" if channel.retained else "no") + expiry
        twin = "twin" if channel.address in drilled else ""
        title = channel.message.title
        body = f"[{title}](#{_anchor(title)}): {_small(channel.message.summary)}"
        cells = (f"`{_short(channel.address)}`", _way(channel), str(channel.qos), kept, twin, body)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _parameters() -> str:
    lines = []
    for parameter in asyncapi.parameters():
        words = ", ".join(f"`{word}`" for word in parameter.words)
        about = f"{parameter.description} {f'One of {words}.' if words else ''}".strip()
        lines.append(f"- `{{{parameter.name}}}`: {about}")
    return "\n".join(lines)


def _roles() -> str:
    lines = ["| role | signs |", "|---|---|"]
    for role in Role:
        names = [f"`{name}`" for name in CommandName if name.role is role]
        signs = [*names, *([SIGNS_BESIDES[role]] if role in SIGNS_BESIDES else [])]
        lines.append(f"| `{role}` | {', '.join(signs)} |")
    return "\n".join(lines)


def _messages() -> str:
    channels = asyncapi.channels()
    whole = [
        "\n".join(_message(message, [c for c in channels if c.message.key == message.key]))
        for message in asyncapi.messages()
    ]
    return "\n\n".join([*whole, *("\n".join(_part(name)) for name in PARTS)])


def _message(message: Message, channels: Sequence[Channel]) -> Iterator[str]:
    yield f"### {message.title}\n"
    ways = sorted({_way(channel) for channel in channels})
    topics = ", ".join(f"`{_short(channel.address)}`" for channel in channels)
    yield f"{message.summary} {'/'.join(ways).capitalize()}, on {topics}."
    answers = {
        channel.reply for channel in channels if channel.reply and "Drill" not in channel.reply
    }
    if answers:
        titles = [c.message.title for c in asyncapi.channels() if c.key in answers]
        yield f"Answered by: {', '.join(f'[{t}](#{_anchor(t)})' for t in titles)}."
    if message.description:
        yield f"\n{message.description}"
    if message.schema is not None:
        yield f"\nSchema `contract/schemas/{message.schema}.json`.\n"
        yield from _table(fields.rows(fields.load(message.schema)))
    for example in message.examples:
        yield f"\n`contract/examples/{example.file}` ({example.name}):\n"
        yield _json(example.file)


def _part(name: str) -> Iterator[str]:
    """A schema that is no message but stands within one."""
    schema = fields.load(name)
    yield f"### {name}\n"
    yield f"{schema['title']}. {schema['description']}\n"
    yield f"Schema `contract/schemas/{name}.json`.\n"
    yield from _table(fields.rows(schema))
    folder = resources.files("contract") / "examples"
    for file in sorted(f.name for f in folder.iterdir() if f.name.startswith(f"{name}.")):
        yield f"\n`contract/examples/{file}`:\n"
        yield _json(file)


def _table(rows: Iterable[fields.Row]) -> Iterator[str]:
    yield "| field | type | limits | meaning |"
    yield "|---|---|---|---|"
    for row in rows:
        name = f"`{row.path}`{' *' if row.required else ''}"
        yield f"| {name} | {row.type} | {_cell(row.limits)} | {_cell(row.meaning)} |"


def _json(file: str) -> str:
    text = (resources.files("contract") / "examples" / file).read_text(encoding="utf-8")
    return f"```json\n{json.dumps(_shortened(json.loads(text)), ensure_ascii=False, indent=2)}\n```"


def _shortened(value: object) -> object:
    """Long texts (pictures) cut, and said to be."""
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[:40]}... ({len(value)} characters)"
    return value


def _canonical(file: str) -> str:
    text = (resources.files("contract") / "examples" / file).read_text(encoding="utf-8")
    return f"```\n{canonical(json.loads(text)).decode()}\n```"


def _short(address: str) -> str:
    return address.replace(BASE, "~")


def _way(channel: Channel) -> str:
    if channel.key == "hostState":
        return "from the host"
    return "up" if channel.action == "send" else "down"


def _small(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:].rstrip(".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def main() -> None:
    """Write the page to the file that is named."""
    (path,) = sys.argv[1:] or ["docs/contract.md"]
    Path(path).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
