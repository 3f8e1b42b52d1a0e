"""Constructs that no Python here may hold: what runs data as code, opens a shell, trusts anybody.

Here: finding them in a syntax tree, through import aliases, so that prose and look-alikes are left
alone. Not here: which files are searched and which findings are allowed, with their reasons
(``tests/unit/test_forbidden.py``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_RUNS_CODE = {"eval", "exec", "compile", "builtins.eval", "builtins.exec", "builtins.compile"}
_SHELLS = {
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell", "asyncio.subprocess.create_subprocess_shell", "pty.spawn",
}  # fmt: skip
_PICKLES = {
    "pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle",
    "joblib", "copyreg", "pandas.read_pickle", "torch.load",
}  # fmt: skip
_YAML = {
    "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load",
    "yaml.full_load_all", "yaml.Loader", "yaml.UnsafeLoader", "yaml.FullLoader", "yaml.CLoader",
    "yaml.CUnsafeLoader", "yaml.CFullLoader", "yaml.Unpickler",
}  # fmt: skip
_TRUSTS_ANYBODY = {
    "ssl.CERT_NONE", "ssl.CERT_OPTIONAL", "ssl.VerifyMode.CERT_NONE",
    "ssl.VerifyMode.CERT_OPTIONAL", "ssl._create_unverified_context",
    "ssl._create_default_https_context", "ssl._https_verify_certificates",
    "urllib3.disable_warnings",
}  # fmt: skip
_FACES = {"face_recognition", "insightface"}
NAMES: Mapping[str, set[str]] = {
    "runs-code": _RUNS_CODE,
    "shell": _SHELLS,
    "unpickles": _PICKLES,
    "unsafe-yaml": _YAML,
    "trusts-anybody": _TRUSTS_ANYBODY,
    "unlicensed-faces": _FACES,
}
_IMPORTERS = {"__import__", "importlib.import_module", "import_module"}
_SWITCHES = {
    "shell": ("shell", False),
    "allow_pickle": ("unpickles", False),
    "verify": ("trusts-anybody", True),
    "check_hostname": ("trusts-anybody", True),
    "assert_hostname": ("trusts-anybody", True),
    "verify_mode": ("trusts-anybody", None),
    "cert_reqs": ("trusts-anybody", None),
}
_68_POINTS = re.compile(r"shape_predictor_6[8]|6[8]_face_landmarks")
_PASSWORD = re.compile(r"(?i)(?:^|_)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """A forbidden construct: what it is and where."""

    code: str
    line: int
    text: str


def find(source: str, *, product: bool) -> list[Finding]:
    """Everything forbidden in *source*; *product* code may not assert or name passwords either."""
    tree = ast.parse(source)
    lines = source.splitlines()
    search = _Search(_aliases(tree), _prose(tree), product)
    search.visit(tree)
    return sorted(
        {Finding(code, line, lines[line - 1].strip()) for code, line in search.found},
        key=lambda finding: (finding.line, finding.code),
    )


def _aliases(tree: ast.AST) -> dict[str, str]:
    """What a name in this file stands for: ``o`` is ``os`` after ``import os as o``."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return known


def _prose(tree: ast.AST) -> set[int]:
    """Texts that are docstrings, by identity."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


class _Search(ast.NodeVisitor):
    def __init__(self, aliases: Mapping[str, str], prose: set[int], product: bool) -> None:
        self.found: set[tuple[str, int]] = set()
        self._aliases = aliases
        self._prose = prose
        self._product = product

    def _note(self, code: str, node: ast.expr | ast.stmt | ast.keyword) -> None:
        self.found.add((code, node.lineno))

    def _named(self, dotted: str, node: ast.expr | ast.stmt) -> None:
        parts = dotted.split(".")
        prefixes = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        for code, names in NAMES.items():
            if prefixes & names:
                self._note(code, node)

    def _dotted(self, node: ast.expr) -> str:
        """The full name that an expression stands for; empty when it is no plain name."""
        if isinstance(node, ast.Name):
            return self._aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            before = self._dotted(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""

    # -- names ------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for one in node.names:
            self._named(one.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if not node.level:
            for one in node.names:
                self._named(f"{node.module}.{one.name}", node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._named(self._dotted(node), node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._named(self._dotted(node), node)
        if node.attr == "tls_insecure_set":
            self._note("trusts-anybody", node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if self._dotted(node.func) in _IMPORTERS and node.args:
            self._named(_text(node.args[0]), node)
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1:
            self._named(f"{self._dotted(node.args[0])}.{_text(node.args[1])}", node)
        self.generic_visit(node)

    # -- switches and texts -----------------------------------------------------------------------

    def visit_keyword(self, node: ast.keyword) -> None:
        self._set(node.arg or "", node.value, node)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._set(_last_name(target), node.value, node)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._set(_last_name(node.target), node.value, node)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self._set(key.value, value, value, named_by_text=True)
        self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> None:
        plain = [*node.posonlyargs, *node.args]
        for argument, default in zip(reversed(plain), reversed(node.defaults), strict=False):
            self._set(argument.arg, default, default)
        for argument, value in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            if value is not None:
                self._set(argument.arg, value, value)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if id(node) not in self._prose and _68_POINTS.search(_text(node)):
            self._note("unlicensed-faces", node)

    def visit_Assert(self, node: ast.Assert) -> None:
        if self._product:
            self._note("asserts", node)
        self.generic_visit(node)

    def _set(
        self,
        name: str,
        value: ast.expr,
        at: ast.expr | ast.stmt | ast.keyword,
        *,
        named_by_text: bool = False,
    ) -> None:
        """*name* is given *value*: as a keyword, an attribute, a default, or a key of a mapping."""
        constant = value.value if isinstance(value, ast.Constant) else ...
        if name in _SWITCHES:
            code, good = _SWITCHES[name]
            wrong = not constant if good is None else constant is not good
            if constant is ...:
                wrong = good is False and not named_by_text
            if wrong:
                self._note(code, at)
        if self._product and isinstance(constant, str) and constant and _PASSWORD.search(name):
            self._note("fixed-password", at)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def told(path: str, findings: list[Finding]) -> Iterator[str]:
    """One line each."""
    for finding in findings:
        yield f"{path}:{finding.line}: {finding.code}: {finding.text}"
