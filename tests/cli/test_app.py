"""Help that a stranger understands, and errors as one line with an exit code."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pytest

from ksz_childbenefits import runtime
from ksz_childbenefits.cli import serve as serve_command
from ksz_childbenefits.errors import ConfigurationError, Unavailable
from tests.cli.conftest import Command

COMMANDS = (
    "demo init",
    "serve",
    "consult",
    "route",
    "customer add",
    "conformance run",
    "persons import",
    "persons export",
    "repertory import",
    "repertory export",
    "cadastre import",
    "cadastre export",
    "cadastre split",
)


def test_help_names_every_command_group(command: Command) -> None:
    shown = command("--help")
    assert shown.exit_code == 0
    for name in COMMANDS:
        assert name.split()[0] in shown.stdout
    assert "Exit codes" in shown.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command: Command, name: str) -> None:
    shown = command(*name.split(), "--help")
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout


def test_a_missing_configuration_is_one_line(command: Command, tmp_path: Path) -> None:
    missing = tmp_path / "config.toml"
    result = command("serve", "--config", missing)
    assert result.exit_code == 2
    assert result.stderr == f"Error: cannot read {missing}: No such file or directory\n"


@pytest.mark.parametrize(
    ("error", "code"), [(ConfigurationError("not so"), 2), (Unavailable("not now"), 1)]
)
def test_errors_end_in_a_line_and_a_code(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(serve_command, "workers_to_come", nullcontext)
    monkeypatch.setattr(runtime, "serve", fail)
    result = command("serve", "--config", "x.toml")
    assert (result.exit_code, result.stderr) == (code, f"Error: {error}\n")


def test_serve_passes_its_options(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(serve_command, "workers_to_come", nullcontext)
    monkeypatch.setattr(runtime, "serve", lambda *arguments: calls.append(arguments))
    assert command("serve", "--config", "x.toml").exit_code == 0
    options = ("--host", "::1", "--port", "0", "--workers", "3")
    # DOMAIN: midnight in Brussels decides; 23:30 in UTC is 0:30 of the next day there.
    command("serve", "--config", "x.toml", *options, "--as-of", "2023-12-31T23:30:00Z")
    assert calls == [
        (Path("x.toml"), None, None, None, None),
        (Path("x.toml"), "::1", 0, 3, date(2024, 1, 1)),
    ]


def test_a_wrong_day_is_explained(command: Command) -> None:
    result = command("serve", "--config", "x.toml", "--as-of", "yesterday")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: --as-of yesterday: write a day")


def test_demo_init_refuses_a_folder_with_something_in_it(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    result = command("demo", "init", tmp_path)
    assert result.exit_code == 2
    assert "not empty" in result.stderr


def test_demo_init_says_what_comes_next(command: Command, tmp_path: Path) -> None:
    result = command("demo", "init", tmp_path / "demo")
    assert result.exit_code == 0
    assert (tmp_path / "demo" / "config.toml").is_file()
    assert f"serve --config {tmp_path / 'demo' / 'config.toml'}" in result.stdout
