"""Expressions in rules of the site's own: what may stand in one, and what is wrong with it.

An expression is about one event: names, values, comparisons, ``and``, ``or``, ``not``. Here: its
words, its check by Python's own syntax tree, and the place of each fault in it. Not here: what it
comes to (``rules.expression``), what happens over time (``rules.temporal``).

Everything that is not listed is refused: no call, no attribute, no arithmetic, no nesting of names.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from agent.config.problems import suggest

LONGEST = 500
DEEPEST = 12

FIELDS: Mapping[str, type] = {
    "event": str,
    "device": str,
    "type": str,
    "where": str,
    "state": str,
    "initial": bool,
    "exercise": bool,
    "score": float,
    "frames": float,
    "quality": float,
}
EVENTS = frozenset(
    {"input", "camera", "lead", "released", "reset", "link", "station", "storage", "clock", "ack"}
)
_TYPES = {str: "text", bool: "true or false", float: "a number"}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and at which character of the expression (from 0)."""

    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Words:
    """The values that text fields can have at this gate, by field."""

    values: Mapping[str, Collection[str]]
    missing: Mapping[str, str]


def parse(text: str) -> ast.expr:
    """The syntax tree of *text*; lines count as one. SyntaxError or ValueError when it is none."""
    return ast.parse(flat(text), mode="eval").body


def flat(text: str) -> str:
    """*text* on one line, each character at its old offset."""
    return "".join(" " if char in "\r\n\t" else char for char in text)


def faults_of(text: str, words: Words) -> list[Fault]:
    """Everything wrong with the expression *text*; empty when it can be used."""
    if len(text) > LONGEST:
        return [Fault(0, f"an expression has at most {LONGEST} characters")]
    inner = text.lstrip()
    lead = len(text) - len(inner)
    if not inner:
        return [Fault(0, "an expression is missing")]
    try:
        tree = parse(inner)
    except SyntaxError as error:
        offset = lead + min(max((error.offset or 1) - 1, 0), len(inner) - 1)
        return [Fault(offset, _syntax(inner, error))]
    except (ValueError, RecursionError, MemoryError) as error:
        return [Fault(lead, f"cannot be read: {error}")]
    if _depth(tree) > DEEPEST:
        return [Fault(lead, f"is nested deeper than {DEEPEST} levels")]
    check = _Check(flat(inner), words)
    given = check.type_of(tree)
    found = check.faults
    if not found and given is not bool:
        found.append(check.fault(tree, f"must be true or false, not {_TYPES[given or str]}"))
    return [Fault(lead + fault.offset, fault.message) for fault in found]


def _syntax(text: str, error: SyntaxError) -> str:
    at = text[max((error.offset or 1) - 2, 0) :].split(maxsplit=1)
    if at and at[0].startswith(("&", "|", "!")):
        return "cannot be read; write 'and', 'or' and 'not'"
    if "=" in str(error.msg) or (at and at[0].startswith("=")):
        return "cannot be read; a comparison is written '=='"
    return f"cannot be read: {error.msg}"


def _depth(tree: ast.AST) -> int:
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return deepest


class _Check:
    """Walks one tree; gathers faults, gives each part its type."""

    def __init__(self, text: str, words: Words) -> None:
        self._bytes = text.encode("utf-8", "replace")
        self._words = words
        self.faults: list[Fault] = []

    def type_of(self, node: ast.expr) -> type | None:
        """str, bool or float; None where a fault was found."""
        match node:
            case ast.BoolOp(values=values):
                return self._all_bool(values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._all_bool([operand])
            case ast.Compare():
                return self._compare(node)
            case ast.Name(id=name):
                return self._name(node, name)
        given = _type_of_value(node)
        if given is None:
            self._add(node, f"{_what(node)} cannot be used here")
        return given

    def fault(self, node: ast.expr, message: str) -> Fault:
        """*message* about *node*."""
        offset = len(self._bytes[: node.col_offset].decode("utf-8", "replace"))
        return Fault(offset, message)

    def _add(self, node: ast.expr, message: str) -> None:
        self.faults.append(self.fault(node, message))

    def _all_bool(self, parts: list[ast.expr]) -> type | None:
        for part in parts:
            given = self.type_of(part)
            if given not in (bool, None):
                self._add(part, f"must be true or false, not {_TYPES[given]}; compare it")
        return bool

    def _name(self, node: ast.expr, name: str) -> type | None:
        if name in ("true", "false"):
            self._add(node, f"write '{name.capitalize()}'")
            return None
        if name not in FIELDS:
            self._add(node, f"there is no '{name}' of an event{suggest(name, FIELDS)}")
        return FIELDS.get(name)

    def _compare(self, node: ast.Compare) -> type | None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                self._member(left, right)
            elif isinstance(operator, (ast.Eq, ast.NotEq, *_ORDER)):
                self._pair(left, right, ordered=isinstance(operator, _ORDER))
            else:
                self._add(right, "compare with ==, !=, <, <=, >, >=, in or not in")
            left = right
        return bool

    def _member(self, left: ast.expr, right: ast.expr) -> None:
        if not isinstance(right, ast.List | ast.Tuple):
            self._add(right, "after 'in' stands a list, as in ['door-1', 'door-2']")
            return
        for item in right.elts:
            if isinstance(item, ast.Constant):
                self._pair(left, item, ordered=False)
            else:
                self._add(item, "a list holds plain values only")

    def _pair(self, left: ast.expr, right: ast.expr, *, ordered: bool) -> None:
        types = self.type_of(left), self.type_of(right)
        if None in types:
            return
        if types[0] is not types[1]:
            shown = f"{_TYPES[types[0] or str]} is compared with {_TYPES[types[1] or str]}"
            self._add(right, shown)
        elif ordered and types[0] is not float:
            self._add(right, "only numbers are smaller or larger")
        for name, value in ((left, right), (right, left)):
            self._value(name, value)

    def _value(self, name: ast.expr, value: ast.expr) -> None:
        if not isinstance(name, ast.Name) or not isinstance(value, ast.Constant):
            return
        known = self._words.values.get(name.id)
        if known is None or not isinstance(value.value, str) or value.value in known:
            return
        what = self._words.missing[name.id]
        self._add(value, f"there is no {what} '{value.value}'{suggest(value.value, known)}")


def names_in(text: str) -> Iterator[str]:
    """The fields and text values that the valid expression *text* speaks of."""
    for node in ast.walk(parse(text.strip())):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _type_of_value(node: ast.expr) -> type | None:
    match node:
        case ast.Constant(value=bool()):
            return bool
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return float if _type_of_value(operand) is float else None
        case ast.Constant(value=int() | float()):
            return float
        case ast.Constant(value=str()):
            return str
    return None


def _what(node: ast.expr) -> str:
    match node:
        case ast.Call():
            return "a call"
        case ast.Attribute():
            return "an attribute"
        case ast.BinOp():
            return "arithmetic"
        case ast.List() | ast.Tuple():
            return "a list"
    return "this"
