"""What docs/security.md and docs/privacy.md name exists: code, tests, tables, settings."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from ksz_childbenefits.registers import audit_schema, schema

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ksz_childbenefits"
SECURITY = (ROOT / "docs" / "security.md").read_text()
PRIVACY = (ROOT / "docs" / "privacy.md").read_text()

_REFERENCE = re.compile(r"`([\w./-]+\.(?:py|toml|md))(?:::(\w+))?`")
_ROW = re.compile(r"^\| (?!---)(?P<cells>.+) \|$", re.MULTILINE)


@cache
def names(file: Path) -> frozenset[str]:
    """The functions and classes that a module defines, methods too."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return frozenset(n.name for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, kinds))


def file_of(path: str) -> Path:
    """Code is named from the package on, the rest from the top of the repository."""
    return next(
        (f for f in (PACKAGE / path, ROOT / path, ROOT / "docs" / path) if f.exists()), ROOT / path
    )


@pytest.mark.parametrize(("path", "name"), sorted(set(_REFERENCE.findall(SECURITY + PRIVACY))))
def test_what_is_named_exists(path: str, name: str) -> None:
    file = file_of(path)
    assert file.is_file()
    assert not name or name in names(file)


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of docs/security.md, without its head."""
    text = SECURITY.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [match["cells"].split(" | ") for match in _ROW.finditer(text)][1:]


def test_each_threat_has_code_and_a_test_that_answer_it() -> None:
    threats = table("Threats")
    assert len(threats) > 25
    for threat, answer, code, shown in threats:
        assert threat
        assert answer
        assert _REFERENCE.search(code), threat
        assert any(p.startswith(("tests/", "bench/")) for p, _ in _REFERENCE.findall(shown)), threat


def test_each_row_stands_beside_three_others() -> None:
    assert {len(row) for row in table("Beside others")} == {5}


def test_every_test_file_of_security_is_cited() -> None:
    """A defence that is tested and not told would be forgotten here."""
    cited = {path for path, _ in _REFERENCE.findall(SECURITY)}
    room = {str(f.relative_to(ROOT)) for f in (ROOT / "tests" / "security").glob("test_*.py")}
    helpers = {
        "tests/security/test_distinguished_names.py",
        "tests/security/test_signing.py",
        "tests/security/test_tolerances.py",
    }
    assert room - helpers <= cited


def test_privacy_tells_of_every_table() -> None:
    told = set(re.findall(r"`(\w+)`", PRIVACY))
    tables = {*schema.persons.metadata.tables, *audit_schema.audit_records.metadata.tables}
    assert tables <= told
