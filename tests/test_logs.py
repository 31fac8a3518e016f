"""Logs hold no paths, and nothing that strangers write (SECURITY 5)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WARNED = """
import warnings
from ksz_childbenefits.logs import configure_logging
configure_logging()
warnings.warn("85073003328")
"""


def test_warnings_that_odd_certificates_cause_are_not_logged() -> None:
    root = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONWARNINGS": "always"}
    done = subprocess.run(
        [sys.executable, "-c", WARNED], env=environment, capture_output=True, check=True, text=True
    )
    assert done.stderr == ""
