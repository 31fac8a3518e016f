"""A consultation asks each register once, however much it holds of the person (issue 3, item 5)."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.domain.consultation import Identification, Question
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.service import Access, ConsultationService
from tests.postgres import cluster, postgresql, shared_postgresql
from tests.registers.databases import engine, migrated, sqlite, statements

__all__ = ["cluster", "engine", "migrated", "postgresql", "shared_postgresql", "sqlite"]

REGISTERS = ("persons", "repertory_lines")

NOOR = "12031590217"
"""Child of Brussels, then of Namur: in two files (demo/world/brussels-to-namur.toml)."""


@pytest.fixture
def service(engine: Engine) -> ConsultationService:
    load_world(engine)
    operators = {operator: EmbeddedCadastre(engine, operator) for operator in Operator}
    access = Access(
        PersonRegister(engine),
        PersonRepertory(engine),
        lambda: date(2024, 6, 1),
    )
    return ConsultationService(access, Network(operators, BackgroundLoop()))


@pytest.mark.parametrize(
    ("customer", "context"),
    [("fedris", "FEDRIS:COMPENSATION_FILE"), ("sfpd", "SFPD:PENSION_CALCULATION")],
    ids=["inscription demanded", "not demanded"],
)
def test_a_consultation_asks_each_register_once(
    engine: Engine, service: ConsultationService, customer: str, context: str
) -> None:
    customers = CustomerRegister(engine)
    found = customers.find(customer)
    assert found is not None
    held = customers.deliberations(customer)
    question = Question(
        Identification(found.cbe_number), None, None, context, NOOR, "2010-01", "2024-06", None
    )
    with statements(engine) as sent:
        ground = service.authorise(question, found, held)
        outcome = service.consult(question, found, ground, "ticket")
    service.cadastres.close()
    assert sum(len(result.files) for result in outcome.results) == 2
    asked = Counter(
        next((register for register in REGISTERS if f"FROM {register}" in text), "cadastres")
        if "RECURSIVE" not in text
        else "persons"
        for text, _ in sent
    )
    calls = asked.pop("cadastres")
    assert asked == dict.fromkeys(REGISTERS, 1)
    # FEDERAL at Iriscare, WALLONIA at AVIQ: one statement each.
    assert calls == 2
