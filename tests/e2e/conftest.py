from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.broker import ServerTls
from tests.tools.brokers import PASSWORDS, Nodes
from tests.tools.certificates import Authority
from tests.tools.rabbit import Cluster
from tests.tools.rabbit_node import MISSING, rabbitmq
from tests.unit.models.fixtures import engine, packs, packs_dir

__all__ = ["authority", "cluster", "engine", "packs", "packs_dir"]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the cluster trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Nodes]:
    """Three RabbitMQ nodes for all tests that ask; half a minute to start."""
    if rabbitmq() is None:
        pytest.skip(MISSING)
    own = authority.issue("broker")
    tls = ServerTls(authority.ca, own.cert, own.key)
    with Cluster(tmp_path_factory.mktemp("cluster"), passwords=PASSWORDS, tls=tls) as started:
        yield Nodes(started)
