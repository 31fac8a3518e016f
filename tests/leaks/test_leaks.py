"""That a leak is found, wherever it is, and nothing else is taken for one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ksz_childbenefits.domain.ssin import check_digits
from tests.leaks.search import leaks, numbers_in, written

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent.parent
MADE = "930517224" + check_digits("930517224", born_2000_or_later=False)
"""A number that no file holds: it is put together here."""

CONFTEST = """
from tests.leaks.hooks import pytest_configure, pytest_sessionfinish, pytest_terminal_summary
"""

HEAD = f"""
import logging, subprocess, sys
from ksz_childbenefits import metrics
log = logging.getLogger("ksz_childbenefits.x")
ssin = "93051" + "{MADE[5:]}"


def start(program):
    subprocess.run([sys.executable, "-c", program, "serve", ssin])
"""

SERVICE = """
import sys
from ksz_childbenefits import logs, metrics
logs.configure_logging("INFO")
ssin = sys.argv[2]
"""

IN_PROCESS = """
log.info("it", extra={"who": ssin})
log.warning(f"about {ssin}")
metrics.request_answered("s", ssin, "MSG00000", "-", 0.1)
"""

IN_SERVICE = (
    'logs.logging.getLogger("ksz_childbenefits.x").info("it", extra={"who": ssin})',
    "print(ssin, file=sys.stderr)",
    "sys.excepthook = sys.__excepthook__; raise ValueError(ssin)",
    'metrics.request_answered("s", ssin, "MSG00000", "-", 0.1)',
)
"""Each in a service of its own: what is logged, printed, not caught, and shown as a metric."""

HARMLESS = """
log.info("it", extra={"person": "a" + ssin + "ff", "bytes": 99999999999})
logging.getLogger("uvicorn").warning("about %s, of which the digits are cut", ssin)
print(ssin)
"""


def run(folder: Path, body: str, *options: str) -> tuple[int, list[str]]:
    """One test of this body, in a run of its own: the exit code, and the leaks that are told."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (folder / "test_it.py").write_text(f"{HEAD}\n\ndef test_it():\n{lines}")
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
        text=True,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    told = done.stdout.partition("SSINs in logs or metrics")[2].splitlines()
    return done.returncode, [line for line in told if MADE in line]


def services(*acts: str) -> str:
    """Programs that pass for services, by their argument, and do this."""
    programs = (SERVICE + act for act in acts)
    return "\n".join(f"start({program!r})" for program in programs)


def test_leaks_in_a_test_fail_the_run(tmp_path: Path) -> None:
    """Whichever process of pytest-xdist has them."""
    code, told = run(tmp_path, IN_PROCESS, "-n", "2")
    assert code == 1
    assert sum(line.startswith("log-") for line in told) == 2
    assert any(line.startswith("metrics-") for line in told)


def test_leaks_in_services_fail_the_run(tmp_path: Path) -> None:
    code, told = run(tmp_path, services(*IN_SERVICE))
    assert code == 1
    assert sum(line.startswith("log-") for line in told) == 3
    assert len({line.partition(":")[0] for line in told}) == 4


def test_what_is_no_leak_fails_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, f"{HARMLESS}{services('logs.logging.info(1)')}") == (0, [])


def test_numbers_of_the_demo_the_samples_and_the_tests_are_known() -> None:
    assert {"12031590217", "85073003328"} <= written()
    assert MADE not in written()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"person": "12031590217"', True),
        ("/home/12031590217.xml", True),
        ("ssin12031590217x", True),
        ("9912031590217", True),
        (f"({MADE})", True),
        (f"a{MADE}", False),
        ("99999999999", False),
        ("0.22999999999999998", False),
        ("1203159021", False),
    ],
)
def test_where_a_number_is_found(text: str, found: bool, tmp_path: Path) -> None:
    """Known ones anywhere, valid ones where they stand alone."""
    assert bool(list(numbers_in(text))) is found
    file = tmp_path / "log"
    file.write_text(f"nothing\n{text}\n")
    assert list(leaks([file])) == ([(file, text)] if found else [])
