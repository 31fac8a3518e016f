"""What ``make demo`` does, once the project is installed (issue: both answers, exit 0)."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.once


def test_it_shows_both_answers_and_stops() -> None:
    command = [sys.executable, "-m", "ksz_childbenefits.demo"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    for customer in ("fedris", "ocmw-gent"):
        _, _, answer = ran.stdout.partition(f"=== {customer} asks")
        # DOMAIN 1: Brussels to 2019-05, so FEDERAL; then Namur, so WALLONIA.
        assert "FEDERAL  DATA_FOUND" in answer
        assert "WALLONIA  DATA_FOUND" in answer
        assert "BRUSSELS  NO_DATA_FOUND  MSG00021" in answer
