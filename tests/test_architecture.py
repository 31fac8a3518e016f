"""The house stays a house: imports point down, and fault boundaries are where we know (DESIGN)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ksz_childbenefits"

FLOORS = (
    "domain",
    "errors",
    "logs",
    "metrics",
    "rates",
    "secret_files",
    "tls",
    "config",
    "contract",
    "security",
    "registers",
    "audit",
    "exchange",
    "endpoint",
    "cadastres",
    "bulk",
    "service",
    "gateway",
    "maintenance",
    "inscriptions",
    "spyne_compat",
    "soap_app",
    "server",
    "demo",
    "list_keeper",
    "identity",
    "distance",
    "assembly",
    "runtime",
    "forked",
    "client",
    "conformance",
    "cli",
)
"""The rooms, lowest floor first: a room may import from itself and from the floors below it."""

MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(tree: ast.AST) -> set[str]:
    names = [n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "ksz_childbenefits":
                names += [f"ksz_childbenefits.{n.name}" for n in node.names]
            names.append(node.module)
    return {n.split(".")[1] for n in names if n.startswith("ksz_childbenefits.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = FLOORS.index(room_of(path))
    above = {r for r in imported_rooms(ast.parse(path.read_text())) if FLOORS.index(r) > own}
    assert not above


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room_of(p) == "domain"], ids=lambda p: p.name
)
def test_the_domain_knows_the_standard_library_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom | ast.Import):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            top = (module or "").split(".")[0]
            assert top == "ksz_childbenefits" or top in __import__("sys").stdlib_module_names
            assert top not in {"xml", "socket", "http", "urllib", "sqlite3"}


def catches_everything(handler: ast.ExceptHandler) -> bool:
    names = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    return any(n is None or getattr(n, "id", "") in {"Exception", "BaseException"} for n in names)


FAULT_BOUNDARIES = ["cadastres/network.py", "endpoint.py"]
"""Of the exchange with one operator, and of the whole request (docs/decisions/0008)."""


def test_two_fault_boundaries() -> None:
    places = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    ]
    assert places == FAULT_BOUNDARIES


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
