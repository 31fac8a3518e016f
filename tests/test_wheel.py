"""The wheel works far from the checkout: schemas, migrations, world and samples are in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
SHIPPED = ("LICENSE", "README.md", "pyproject.toml", "setup.cfg", "xsd", "wsdl", "samples")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, unpacked where no checkout is near."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("far")
    for name in (*SHIPPED, "ksz_childbenefits"):
        subprocess.run(["cp", "-a", str(ROOT / name), str(source)], check=True)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(unpacked: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ksz_childbenefits.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    return subprocess.run(
        command, cwd=unpacked, env=environment, check=False, capture_output=True, text=True
    )


def test_it_makes_a_demo_and_explains_a_route(unpacked: Path) -> None:
    made = run(unpacked, "demo", "init", "demo")
    assert made.returncode == 0, made.stderr
    route = ("route", "12031590217", "--from", "2018-01", "--to", "2024-12")
    explained = run(unpacked, *route, "--config", "demo/config.toml")
    assert "Iriscare" in explained.stdout


def test_it_carries_the_contract_and_the_samples(unpacked: Path) -> None:
    package = unpacked / "ksz_childbenefits"
    for folder in ("xsd", "wsdl"):
        shipped = {p.name for p in (package / "contract" / folder).iterdir()}
        assert shipped == {p.name for p in (ROOT / folder).iterdir()} != set()
    for cases in ("*/case.toml", "hostile/*/case.toml", "hostile/*.xml"):
        carried = {p.parent.name for p in (package / "samples").glob(cases)}
        assert carried == {p.parent.name for p in (ROOT / "samples").glob(cases)} != set()
