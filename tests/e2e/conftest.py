from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.brokers import PASSWORDS, Nodes
from tests.tools.rabbit import Cluster
from tests.tools.rabbit_node import rabbitmq
from tests.unit.models.fixtures import engine, packs_dir

__all__ = ["cluster", "engine", "packs_dir"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three RabbitMQ nodes for all tests that ask; half a minute to start."""
    if rabbitmq() is None:
        pytest.skip("RabbitMQ is not installed: apt-get install rabbitmq-server")
    with Cluster(tmp_path_factory.mktemp("cluster"), passwords=PASSWORDS) as started:
        yield Nodes(started)
