"""The network of cadastres as configured: in production nobody's answers are empty by oversight."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ksz_childbenefits.config import DatabaseSettings, DemoSettings, Settings, load_settings
from ksz_childbenefits.demo.network import create_network
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.runtime import build_endpoint
from tests.cadastres.operators import open_sockets, site
from tests.cadastres.test_remote import silent
from tests.consultations import consultation


def production(settings: Settings, embedded: set[Operator]) -> Settings:
    database = DatabaseSettings(url=settings.database.url, embedded_cadastres=frozenset(embedded))
    return settings.model_copy(
        update={"environment": "production", "demo": DemoSettings(), "database": database}
    )


@pytest.mark.parametrize("missing", Operator)
def test_in_production_an_operator_that_is_not_configured_is_refused(
    demo: Path, missing: Operator
) -> None:
    """From an empty table everybody would be told that there are no files (MSG00100)."""
    settings = load_settings(demo)
    with pytest.raises(ConfigurationError, match=rf"production .*: {missing}$"):
        build_endpoint(production(settings, set(Operator) - {missing}))
    build_endpoint(production(settings, set(Operator)))


def test_in_production_operators_are_elsewhere_or_said_to_be_here(tmp_path: Path) -> None:
    settings = load_settings(create_network(tmp_path / "network").gateway)
    build_endpoint(production(settings, set()))
    others = {o: given for o, given in settings.operators.items() if o is not Operator.ORINT}
    some = settings.model_copy(update={"operators": others})
    with pytest.raises(ConfigurationError, match="ORINT"):
        build_endpoint(production(some, set()))
    build_endpoint(production(some, {Operator.ORINT}))


def test_an_endpoint_that_is_closed_leaves_no_thread_and_no_socket(tmp_path: Path) -> None:
    """What a worker does when it ends."""
    config = create_network(tmp_path / "network").gateway
    question = consultation(
        config.parent / "credentials" / "fedris", "12031590217", "2019-01", "2024-12"
    )
    threads, sockets = set(threading.enumerate()), open_sockets()
    with site(silent) as operator:
        settings = load_settings(config)
        aviq = settings.operators[Operator.AVIQ].model_copy(update={"url": operator.url})
        changed = settings.model_copy(
            update={"operators": {**settings.operators, Operator.AVIQ: aviq}}
        )
        endpoint = build_endpoint(changed)
        asking = threading.Thread(target=endpoint.handle, args=(question,))
        asking.start()
        while not operator.requests:
            time.sleep(0.01)
        assert len(open_sockets()) > len(sockets)
        began = time.monotonic()
        endpoint.close()
        asking.join()
        assert time.monotonic() - began < 1  # not until the deadline
    assert set(threading.enumerate()) <= threads
    assert open_sockets() <= sockets


def test_the_demo_has_all_of_them_in_its_database(demo: Path) -> None:
    settings = load_settings(demo)
    assert not settings.operators
    assert not settings.database.embedded_cadastres
    build_endpoint(settings)


def test_what_nobody_uses_is_not_imported() -> None:
    """It would be part of each start: 0.1 s for an HTTP client and PostgreSQL's driver."""
    listed = "import sys, ksz_childbenefits.runtime; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", listed], check=True, capture_output=True, text=True
    )
    assert {"httpx", "psycopg", "alembic", "zeep", "rich"}.isdisjoint(done.stdout.split())
    assert "ksz_childbenefits.endpoint" in done.stdout.split()
