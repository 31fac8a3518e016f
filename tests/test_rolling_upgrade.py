"""A newer gateway has migrated the database that an older one shares (deploy/README)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ksz_childbenefits.client import connect, read_credentials
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.demo.init import create_demo
from ksz_childbenefits.registers.database import open_database, writing
from tests.server.serving import Site
from tests.server.test_run import workers_of

pytestmark = pytest.mark.live

CHILD = "12031590217"


def serve(config: Path, errors: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ksz_childbenefits.cli", "serve", "--config", str(config)]
    with errors.open("w") as stream:
        return subprocess.Popen(
            [*command, "--port", "0", "--workers", "1"],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )


def migrated_by_a_newer_version(config: Path) -> None:
    engine = open_database(load_settings(config).database.url)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()


def until_logged(errors: Path, word: str) -> None:
    deadline = time.monotonic() + 30
    while word not in errors.read_text():
        assert time.monotonic() < deadline, errors.read_text()
        time.sleep(0.05)


def test_the_old_gateway_goes_on_serving_and_none_starts_anew(tmp_path: Path) -> None:
    config, errors = create_demo(tmp_path / "world"), tmp_path / "errors"
    me = read_credentials(config.parent / "credentials" / "fedris")
    with serve(config, errors) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]

        def consult() -> str:
            client = connect(f"{url}{CONSULTATION.path}?wsdl", me)
            return str(client.consult(CHILD, "2019-01", "2024-12").status.code)

        try:
            assert consult() == "MSG00000"
            migrated_by_a_newer_version(config)
            assert consult() == "MSG00000"
            process.send_signal(signal.SIGHUP)
            until_logged(errors, "reload refused")
            assert "9999" in errors.read_text()
            assert consult() == "MSG00000"
            (worker,) = workers_of(Site(0, 0, process=process))
            os.kill(worker, signal.SIGKILL)
            until_logged(errors, "worker died")
            assert consult() == "MSG00000"
        finally:
            process.terminate()
        assert process.wait(30) == 0
    with serve(config, errors) as process:
        assert process.wait(30) == 2
    assert "9999" in errors.read_text()
