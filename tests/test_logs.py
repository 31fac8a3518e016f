"""Logs: one JSON object per line, no paths, and nothing that strangers write (SECURITY 5)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ksz_childbenefits.logs import without_folders

SECRET = "85073003328"
BEGIN = """
import asyncio, logging, threading, warnings
from ksz_childbenefits.logs import configure_logging
configure_logging("INFO")
ours, uvicorn = logging.getLogger("ksz_childbenefits.x"), logging.getLogger("uvicorn.error")
"""


def logged(*lines: str) -> Sequence[dict[str, Any]]:
    """What these lines of a program log, by their fields."""
    root = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONWARNINGS": "always"}
    program = BEGIN + "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr
    assert str(root) not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_is_an_object_with_the_fields_of_its_event() -> None:
    (line,) = logged(
        'ours.warning("refused", extra={"ticket": "t-1", "duration_ms": 3})',
        'ours.debug("not at this level")',
    )
    at = datetime.fromisoformat(line.pop("time"))
    assert timedelta() <= datetime.now(UTC) - at < timedelta(minutes=1)
    assert list(line.items()) == [
        ("level", "WARNING"),
        ("logger", "ksz_childbenefits.x"),
        ("event", "refused"),
        ("ticket", "t-1"),
        ("duration_ms", 3),
    ]


@pytest.mark.parametrize(
    ("program", "event", "error"),
    [
        (f'uvicorn.error("broken by {SECRET} in /home/me/x.py\\nfile /etc/y")', None, None),
        (f'uvicorn.error(ValueError("{SECRET}"))', "error", "ValueError"),
        (f'uvicorn.error("it", exc_info=ValueError("{SECRET}"))', "it", "ValueError"),
        (f'ours.error("it", exc_info=ValueError("{SECRET}"))', "it", "ValueError"),
        (f'uvicorn.error("it", extra={{"color_message": "{SECRET}"}})', "it", None),
    ],
)
def test_what_libraries_and_exceptions_say_is_not_trusted(
    program: str, event: str | None, error: str | None
) -> None:
    (line,) = logged(program)
    assert line["event"] == (event or "broken by [number] in x.py")
    assert line.get("error") == error
    assert "color_message" not in line


@pytest.mark.parametrize(
    "program",
    [
        f'raise ValueError("{SECRET}")',
        f'threading.Thread(target=int, args=("x{SECRET}",)).start()',
    ],
)
def test_an_uncaught_error_is_a_line_without_its_trace(program: str) -> None:
    (line,) = logged(program)
    assert (line["level"], line["event"]) == ("CRITICAL", "uncaught error")
    assert line["reason"].startswith("ValueError at ")


def test_what_asyncio_complains_of_has_the_same_form() -> None:
    (line,) = logged(
        "async def main():",
        f'    asyncio.get_running_loop().create_task(asyncio.to_thread(int, "x{SECRET}"))',
        "    await asyncio.sleep(0.1)",
        "asyncio.run(main())",
    )
    assert (line["logger"], line["error"]) == ("asyncio", "ValueError")
    assert line["event"] == "Task exception was never retrieved"


def test_warnings_that_odd_certificates_cause_are_not_logged() -> None:
    assert not logged(f'warnings.warn("{SECRET}")')


def test_files_are_named_without_where_they_lie() -> None:
    text = "cannot read /etc/ksz/keys/service.key: a/b and https://host/path/x stay"
    assert without_folders(text) == "cannot read service.key: a/b and https://host/path/x stay"


def test_a_line_that_cannot_be_written_is_lost_without_a_trace() -> None:
    """Standard error may be closed, or its disk full; Python would print where it was called."""
    (line,) = logged(
        "class Full:",
        "    def write(self, text): raise OSError(text)",
        "    def flush(self): pass",
        "(handler,) = logging.getLogger().handlers",
        "kept, handler.stream = handler.stream, Full()",
        'ours.warning("lost")',
        "handler.stream = kept",
        'ours.warning("kept")',
    )
    assert line["event"] == "kept"
