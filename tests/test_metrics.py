"""What is counted, under which labels; never an SSIN (SECURITY 5)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from ksz_childbenefits import metrics
from ksz_childbenefits.registers.database import open_database, reading

WORKER = """
import sys
from ksz_childbenefits import metrics
from ksz_childbenefits.metrics import BreakerState
metrics.request_answered("S", "fedris", "MSG00000", "-", 0.2)
metrics.breaker_is("AVIQ", BreakerState[sys.argv[1]])
metrics.source_called("AVIQ", "WALLONIA", "failed", 1.5)
"""


def samples() -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values, in the order of the labels' names."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    found = (sample for family in families for sample in family.samples)
    return {(s.name, *(v for _, v in sorted(s.labels.items()))): s.value for s in found}


def run_worker(state: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen([sys.executable, "-c", WORKER, state], env=environment) as process:
        assert process.wait() == 0
    return process.pid


def test_what_workers_counted_is_added_and_what_lives_with_them_is_not() -> None:
    with metrics.shared_between_workers():
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        closed, broken = run_worker("CLOSED"), run_worker("OPEN")
        found = samples()
        assert found["ksz_requests_total", "fedris", "-", "S", "MSG00000"] == 2
        assert found["ksz_request_seconds_bucket", "0.25", "S"] == 2
        assert found["ksz_request_seconds_bucket", "0.1", "S"] == 0
        assert found["ksz_source_seconds_count", "AVIQ", "failed", "WALLONIA"] == 2
        assert found["ksz_breaker_state", "AVIQ"] == 2  # the worst
        metrics.worker_ended(broken)
        assert samples()["ksz_breaker_state", "AVIQ"] == 0
        metrics.worker_ended(closed)
        found = samples()
        assert ("ksz_breaker_state", "AVIQ") not in found
        assert found["ksz_requests_total", "fedris", "-", "S", "MSG00000"] == 2
    assert not folder.exists()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_the_pool_of_connections_is_watched(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'registers.sqlite'}")
    with reading(engine) as first, reading(engine) as second:
        first.execute(text("SELECT 1"))
        second.execute(text("SELECT 1"))
        assert samples()["ksz_database_connections", "in_use"] == 2
    assert samples()["ksz_database_connections", "in_use"] == 0
    assert samples()["ksz_database_connections", "limit"] == 40
    engine.dispose()
