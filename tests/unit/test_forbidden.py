"""No Python here runs data as code, opens a shell or trusts anybody; and the search is tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.forbidden import NAMES, find, told
from tests.tools.program import REPO

NOT_PRODUCT = ("tests", "bench")
ALLOWED: dict[tuple[str, str], tuple[int, str]] = {
    ("agent/identity/enrolment.py", "trusts-anybody"): (
        2,
        "the first connection: what comes is held against the token's pin, and nothing is told",
    ),
    ("station/trust/port.py", "trusts-anybody"): (
        1,
        "a gate that joins has no certificate yet; it shows a one-time token instead",
    ),
    ("tests/unit/test_forbidden.py", "unlicensed-faces"): (3, "planted below"),
    ("tests/unit/core/test_secret.py", "unpickles"): (2, "shows that a secret is not pickled"),
}

PLANTED = {
    "runs-code": [
        "eval('1')",
        "exec(text)",
        "compile(text, '', 'exec')",
        "run = eval",
        "import builtins\nbuiltins.exec(text)",
        "import builtins as b\nb.eval(text)",
        "getattr(builtins, 'eval')(text)",
    ],
    "shell": [
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "from subprocess import Popen as P\nP('ls', shell=1)",
        "subprocess.run('ls', shell=wanted)",
        "subprocess.run('ls', **{'shell': True})",
        "import os\nos.system('ls')",
        "import os as o\no.system('ls')",
        "from os import system\nsystem('ls')",
        "from os import system as run\nrun('ls')",
        "os.popen('ls')",
        "getattr(os, 'system')('ls')",
        "subprocess.getoutput('ls')",
        "import asyncio\nasyncio.create_subprocess_shell('ls')",
    ],
    "unpickles": [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "import marshal",
        "from shelve import open",
        "import joblib",
        "__import__('pickle')",
        "import importlib\nimportlib.import_module('marshal')",
        "from importlib import import_module as load\nload('shelve')",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=wanted)",
        "def f():\n    import _pickle",
    ],
    "unsafe-yaml": [
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
        "from yaml import load",
        "import yaml as y\ny.unsafe_load(text)",
        "yaml.full_load_all(text)",
        "class Mine(yaml.UnsafeLoader): ...",
        "from yaml import FullLoader",
    ],
    "trusts-anybody": [
        "requests.get(url, verify=False)",
        "session.verify = False",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
        "from ssl import CERT_NONE as lax",
        "context.verify_mode = 0",
        "context.check_hostname = False",
        "ssl.VerifyMode.CERT_NONE",
        "ssl._create_unverified_context()",
        "ssl._create_default_https_context = other",
        "client.tls_insecure_set(True)",
        "client.tls_set(cert_reqs=0)",
        "Config(check_hostname=False)",
        "options = {'verify': False}",
        "def ask(url, verify=False): ...",
        "def ask(url, *, check_hostname=False): ...",
    ],
    "unlicensed-faces": [
        "import face_recognition",
        "import face_recognition.api as f",
        "from insightface.app import FaceAnalysis",
        "__import__('insightface')",
        "dlib.shape_predictor('shape_predictor_68_face_landmarks.dat')",
        "name = f'{folder}/shape_predictor_68_face_landmarks.dat'",
    ],
    "asserts": ["assert found, 'must be there'", "def f(x):\n    assert x"],
    "fixed-password": [
        "password = 'admin'",
        "DEFAULT_PASSWORD: str = 'admin'",
        "self.api_key = 'abc'",
        "connect(password='admin')",
        "def connect(user, password='admin'): ...",
        "def connect(*, secret='admin'): ...",
        "login = {'user': 'a', 'password': 'admin'}",
    ],
}
HARMLESS = [
    '"""pickle, eval and shell=True are words here; so is shape_predictor_68_face_landmarks."""',
    "import re\nre.compile('x')",
    "from re import compile\ncompile('x')",
    "def exec_start(): ...",
    "model.eval()",
    "await asyncio.create_subprocess_exec('ls')",
    "subprocess.run(['ls'], shell=False)",
    "np.load(path, allow_pickle=False)",
    "yaml.safe_load(text)",
    "class Texts(yaml.BaseLoader): ...",
    "context.verify_mode = ssl.CERT_REQUIRED",
    "context.check_hostname = True",
    "verify(folder, keys)",
    "import face_recognition_models_of_ours",
    "backend = 'face_recognition'",
    "dlib.shape_predictor('shape_predictor_5_face_landmarks.dat')",
    "password = ''",
    "password = read(path)",
    "password_file = '/etc/gatehouse/password'",
    "from .pickle import loads",
]


def sources() -> Iterator[Path]:
    """Every Python file of the tree, nothing that was made or installed."""
    for path in sorted(REPO.rglob("*.py")):
        top = path.relative_to(REPO).parts[0]
        if not top.startswith(".") and top != "build":
            yield path


@pytest.mark.parametrize(("code", "text"), [(c, t) for c, texts in PLANTED.items() for t in texts])
def test_what_is_planted_is_found(code: str, text: str) -> None:
    assert code in {finding.code for finding in find(text, product=True)}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert find(text, product=True) == []


def test_every_name_that_is_searched_for_is_found() -> None:
    for code, names in NAMES.items():
        for name in names:
            assert code in {finding.code for finding in find(name, product=False)}, name


def test_tests_may_assert_and_plant_passwords() -> None:
    assert find("assert x\npassword = 'planted'", product=False) == []
    assert find("import pickle", product=False)


def test_the_tree_holds_nothing_forbidden() -> None:
    found: dict[tuple[str, str], int] = {}
    strays: list[str] = []
    searched = 0
    for path in sources():
        name = path.relative_to(REPO).as_posix()
        findings = find(path.read_text("utf-8"), product=not name.startswith(NOT_PRODUCT))
        searched += 1
        for finding in findings:
            key = name, finding.code
            found[key] = found.get(key, 0) + 1
            if key not in ALLOWED:
                strays += told(name, [finding])
    assert strays == []
    assert found == {key: count for key, (count, _) in ALLOWED.items()}, "allowed, and gone or more"
    assert searched > 400
