"""YAML as a person means it, with the place of every key and value.

Reads one document with the scalar rules of YAML 1.2's core schema, so that ``off``, ``no`` and
``22:00`` stay text, and remembers line and column of everything. Anchors, tags and doubled keys
are refused: none is needed here and each hides mistakes. Nothing is ever constructed but dict,
list, str, int, float, bool and None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from agent.core.errors import ConfigError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 64
Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, object] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    "-.inf": -math.inf,
    ".nan": math.nan,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; both numbers start at 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """The value of a file, and the places of its keys and values by path."""

    value: object = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    faults: list[tuple[Place, Path, str]] = field(default_factory=list)
    source: str = ""
    texts: dict[Path, tuple[int, str | None]] = field(default_factory=dict)

    def within(self, path: Path, text: str, offset: int) -> Place:
        """The place of character *offset* of *text*, the value at *path*; else the nearest.

        Quotes, folds and indentation lie between a text and its source, but the characters that
        are no space come in the same order in both.
        """
        if path not in self.texts:
            return self.nearest(path)
        index, style = self.texts[path]
        if style in ("|", ">"):
            index = self.source.find("\n", index) + 1
        elif style is not None:
            index += 1
        before = sum(not char.isspace() for char in text[:offset])
        index = _skip(self.source, index, style, before)
        line = self.source.count("\n", 0, index)
        return Place(line + 1, index - self.source.rfind("\n", 0, index))

    def nearest(self, path: Path) -> Place:
        """The place of the key at *path*, or of the closest thing around it."""
        for length in range(len(path), -1, -1):
            head = path[:length]
            if head in self.keys:
                return self.keys[head]
            if head in self.values:
                return self.values[head]
        return Place(1, 1)


class NotYamlError(ConfigError):
    """The text is no YAML; ``place`` says where."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


def read(text: str) -> Document:
    """Parse *text*; doubled keys are listed in ``faults``; broken YAML raises NotYamlError."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise NotYamlError(Place(1, 1), f"is larger than {MAX_BYTES} bytes")
    try:
        _refuse_extras(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise NotYamlError(place, f"is not YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, error.position - before.rfind("\n"))
        fault = f"is not YAML: character #x{error.character:04x} is not allowed"
        raise NotYamlError(place, fault) from error
    except (ValueError, OverflowError) as error:  # PyYAML on "\\UFFFFFFFF" and %YAML 999...
        raise NotYamlError(Place(1, 1), f"is not YAML: {error}") from error
    document = Document(source=text)
    if root is not None:
        document.value = _build(root, (), document)
    return document


def _refuse_extras(text: str) -> None:
    """Refuse what needs no tree to be seen, before a deep one is built by recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise NotYamlError(_place(event), "anchors and aliases are not allowed")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise NotYamlError(_place(event), f"tag {tag} is not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise NotYamlError(_place(event), f"is nested deeper than {MAX_DEPTH} levels")


def _is_text(value: str) -> bool:
    """False for half of a surrogate pair, as an escape makes it: no file can hold that."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _place(node: yaml.Node | yaml.Event) -> Place:
    mark = node.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _build(node: yaml.Node, path: Path, document: Document) -> object:
    document.values[path] = _place(node)
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, index), document) for index, item in enumerate(node.value)]
    document.texts[path] = node.start_mark.index, getattr(node, "style", None)
    return _scalar(node)


def _skip(source: str, index: int, style: str | None, count: int) -> int:
    """The index of the character that is no space and has *count* such before it."""
    while index < len(source):
        if not source[index].isspace():
            if count == 0:
                break
            count -= 1
            doubled = style == "'" and source.startswith("''", index)
            if doubled or (style == '"' and source[index] == "\\"):
                index += 1
        index += 1
    return index


def _build_mapping(node: yaml.MappingNode, path: Path, document: Document) -> dict[str, object]:
    result: dict[str, object] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise NotYamlError(_place(key_node), "a key must be plain text")
        key = str(key_node.value)
        if not _is_text(key):
            raise NotYamlError(_place(key_node), "has half of a surrogate pair in a key")
        at = (*path, key)
        if key in result:
            first = document.keys[at]
            fault = f"is given twice; the first stands in line {first.line}"
            document.faults.append((_place(key_node), at, fault))
            continue
        document.keys[at] = _place(key_node)
        result[key] = _build(value_node, at, document)
    return result


def _scalar(node: yaml.Node) -> object:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
