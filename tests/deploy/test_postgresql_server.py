"""deploy/postgresql-server on machines without a server, which here are a PATH of a few words."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "deploy" / "postgresql-server"


def run(folder: Path, **commands: str) -> subprocess.CompletedProcess[str]:
    """Run the script where these commands are all there is; ``ls`` finds no server."""
    for name, text in {"ls": "exit 2", **commands}.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    return subprocess.run(
        [bash, str(SCRIPT)],
        capture_output=True,
        check=False,
        text=True,
        env={"PATH": str(folder), "CALLS": str(folder / "calls")},
    )


@pytest.mark.parametrize(
    "commands",
    [
        {"id": "echo 1000", "apt_get": "exit 0"},
        {"id": "echo 0"},
        {"id": "echo 0", "apt_get": "echo 'E: no network' >&2; exit 100"},
        {"id": "echo 0", "apt_get": "[ $1 = update ]"},
    ],
    ids=["not root", "no apt-get", "no network", "no such package"],
)
def test_where_it_cannot_be_installed_the_last_line_says_what_to_install(
    tmp_path: Path, commands: dict[str, str]
) -> None:
    done = run(tmp_path, **commands)
    assert done.returncode == 1
    assert "apt-get install postgresql" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("update", ["exit 0", "exit 100"])
def test_as_root_it_is_installed(tmp_path: Path, update: str) -> None:
    apt = f'echo "$*" >>"$CALLS"; [ "$1" != update ] || {update}'
    assert run(tmp_path, id="echo 0", apt_get=apt).returncode == 0
    assert "install -y -qq postgresql" in (tmp_path / "calls").read_text()


def test_where_there_is_one_nothing_is_done(tmp_path: Path) -> None:
    assert run(tmp_path, id="echo 0", apt_get="exit 100", initdb="exit 0").returncode == 0
