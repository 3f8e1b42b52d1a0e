"""One RabbitMQ node for tests: its process, its files, questions to it.

Here: start, stop, kill, configuration. Not here: several of them (``tests.tools.rabbit``).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tools.broker import HOST, ServerTls
from tests.tools.program import until

HOME = Path("/usr/lib/rabbitmq")
MISSING = "RabbitMQ is not installed: apt-get install rabbitmq-server"
STARTED_S = 90.0
HEALED_S = 60.0
STOPPED_S = 30.0
ASKED_S = 15.0
COMMAND_S = 60.0
WELCOME_S = 10.0
SHOWN_CHARS = 3000
QUIET_PORTS = range(20_000, 32_000)
_CONNECT = bytes([0x10, 16, 0, 4, *b"MQTT", 4, 2, 0, 30, 0, 4, *b"heal"])
_DISCONNECT = bytes([0xE0, 0])
_WELCOME = bytes([0x20, 2, 0, 0])
SESSION_MS = 7 * 86_400_000
START_MEMBERS = """
Qs = [Q || Q <- rabbit_amqqueue:list(<<"/">>), amqqueue:is_quorum(Q)],
rabbit_quorum_queue:recover(<<"/">>, Qs), length(Qs).
"""


def rabbitmq() -> Path | None:
    """The newest installed server's folder, or None when there is none."""
    found = sorted(HOME.glob("lib/rabbitmq_server-*/sbin/rabbitmq-server"))
    tools = all(shutil.which(tool) for tool in ("erl", "epmd", "erl_call"))
    return found[-1].parent if found and tools else None


def quiet_port() -> int:
    """A free port below those that the kernel gives to clients.

    Nobody takes it while a node boots, or is down.
    """
    for port in random.SystemRandom().sample(QUIET_PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise RuntimeError("no free port")


class Node:
    """One broker of the cluster; it keeps its name, ports and disk over all its starts."""

    def __init__(self, folder: Path, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self.port, self.tls_port = quiet_port(), quiet_port()
        self._folder = folder
        self._dist_port = quiet_port()
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._log_before = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of its MQTT listener."""
        return HOST, self.port

    @property
    def pid(self) -> int:
        """Its process, which leads a group of its own."""
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """True from its start to its end."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it logged so far."""
        path = self._folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def last_words(self) -> str:
        """The end of its log."""
        return self.log[-SHOWN_CHARS:]

    def write(
        self,
        names: list[str],
        definitions: Mapping[str, Any],
        *,
        quorum: bool,
        tls: ServerTls | None,
    ) -> None:
        """Write its configuration; *names* are all nodes of the cluster."""
        self._folder.mkdir(parents=True)
        (self._folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n", encoding="ascii")
        (self._folder / "env.conf").touch()
        (self._folder / "definitions.json").write_text(json.dumps(definitions), encoding="ascii")
        lines = [
            "listeners.tcp = none",
            f"mqtt.listeners.tcp.1 = {HOST}:{self.port}",
            "mqtt.allow_anonymous = true",
            f"mqtt.subscription_ttl = {SESSION_MS}",
            "mqtt.prefetch = 200",
            "loopback_users = none",
            f"load_definitions = {self._folder / 'definitions.json'}",
            "cluster_partition_handling = pause_minority",
            "cluster_formation.peer_discovery_backend = classic_config",
            *(
                f"cluster_formation.classic_config.nodes.{number} = {name}"
                for number, name in enumerate(names, start=1)
            ),
            *([] if tls is None else self._tls_lines(tls)),
        ]
        (self._folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
        kind = "quorum" if quorum else "classic"
        advanced = f"[{{rabbitmq_mqtt, [{{durable_queue_type, {kind}}}]}}].\n"
        (self._folder / "advanced.config").write_text(advanced, encoding="ascii")

    def _tls_lines(self, tls: ServerTls) -> list[str]:
        """A second listener: mutual TLS, and the certificate's common name is the user."""
        return [
            f"mqtt.listeners.ssl.1 = {HOST}:{self.tls_port}",
            f"ssl_options.cacertfile = {tls.ca}",
            f"ssl_options.certfile = {tls.cert}",
            f"ssl_options.keyfile = {tls.key}",
            "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = true",
            "ssl_options.versions.1 = tlsv1.3",
            "ssl_options.versions.2 = tlsv1.2",
            "mqtt.ssl_cert_login = true",
            "ssl_cert_login_from = common_name",
        ]

    def start(self) -> None:
        """Start it; returns at once."""
        server = rabbitmq()
        if server is None:
            raise RuntimeError(MISSING)
        self._log_before = len(self.log)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(server / "rabbitmq-server")],
                env=self._variables(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_up(self, within_s: float = STARTED_S) -> None:
        """Wait until it has booted; RuntimeError with its log when it ended instead."""
        until(self._booted, within_s, self.last_words)

    def spare(self) -> bool:
        """True when every queue would keep its majority without this node."""
        answer = self.ask("rabbit_upgrade_preparation", "await_online_quorum_plus_one", "[5000]")
        return answer.strip() == "true"

    def start_members(self) -> None:
        """Start the members of quorum queues on this node that should run and do not.

        A queue that is declared while the node boots has a member here that nobody started; the
        node's next start would do just this.
        """
        self._ask(["-e"], START_MEMBERS)

    def kill(self) -> None:
        """End it and its helpers at once (SIGKILL); safe when it does not run."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def welcomes(self) -> bool:
        """True when it takes an MQTT connection now."""
        try:
            with socket.create_connection(self.address, timeout=1) as client:
                client.settimeout(WELCOME_S)
                client.sendall(_CONNECT)
                welcome = client.recv(4)
                client.sendall(_DISCONNECT)
        except OSError:
            return False
        return welcome == _WELCOME

    def ask(self, module: str, function: str, arguments: str = "[]") -> str:
        """What an Erlang function answers on the node, in Erlang's notation."""
        return self._ask(["-a", f"{module} {function} {arguments}"])

    def _ask(self, call: list[str], code: str = "") -> str:
        command = ["erl_call", "-timeout", "10", "-name", self.name]
        done = subprocess.run(
            [*command, "-c", self._environment["COOKIE"], *call],
            env=self._variables(),
            input=code,
            capture_output=True,
            text=True,
            timeout=ASKED_S,
            check=False,
        )
        return done.stdout + done.stderr

    def command(self, *words: str) -> None:
        """``rabbitmqctl`` on the node; CalledProcessError when it refuses. Takes seconds of CPU."""
        server = rabbitmq()
        if server is None:
            raise RuntimeError(MISSING)
        about = ("--node", self.name, "--longnames", "--erlang-cookie", self._environment["COOKIE"])
        subprocess.run(
            [str(server / "rabbitmqctl"), *about, *words],
            env=self._variables(),
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=True,
        )

    def _booted(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended at its start:\n{self.last_words()}")
        return "Server startup complete" in self.log[self._log_before :]

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(STOPPED_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOPPED_S)

    def _variables(self) -> dict[str, str]:
        folder = self._folder
        erlang = (
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +A 8 "
            "+sbwt none +sbwtdcpu none +sbwtdio none"
        )
        return self._environment | {
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
            "ERL_CRASH_DUMP_SECONDS": "0",
        }
