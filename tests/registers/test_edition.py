"""What is remembered of customers holds until anybody changes anything (DOMAIN 7)."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from ksz_childbenefits.registers import edition as module
from ksz_childbenefits.registers.database import writing
from ksz_childbenefits.registers.edition import Edition

CHANGES = {
    "customers": [
        "INSERT INTO customers (name, title, cbe_number) VALUES ('new', '', '0123456749')",
        "UPDATE customers SET title = 'other' WHERE name = 'new'",
        "DELETE FROM customers WHERE name = 'new'",
    ],
    "customer_anchors": [
        "INSERT INTO customers (name, title, cbe_number) VALUES ('new', '', '0123456749')",
        "INSERT INTO customer_anchors (customer, anchor_fingerprint) VALUES ('new', 'a')",
        "UPDATE customer_anchors SET anchor_fingerprint = 'b'",
        "DELETE FROM customer_anchors",
    ],
    "customer_certificates": [
        "INSERT INTO customers (name, title, cbe_number) VALUES ('new', '', '0123456749')",
        "INSERT INTO customer_certificates (fingerprint, customer, thumbprint_sha1, serial, der)"
        " VALUES ('f', 'new', '', '1', '')",
        "UPDATE customer_certificates SET serial = '2'",
        "DELETE FROM customer_certificates",
    ],
    "operator_certificates": [
        "INSERT INTO operator_certificates (fingerprint, operator, thumbprint_sha1, serial, der)"
        " VALUES ('f', 'AVIQ', '', '1', '')",
        "UPDATE operator_certificates SET serial = '2'",
        "DELETE FROM operator_certificates",
    ],
    "withdrawn_operator_certificates": [
        "INSERT INTO withdrawn_operator_certificates (fingerprint) VALUES ('f')",
        "UPDATE withdrawn_operator_certificates SET fingerprint = 'g'",
        "DELETE FROM withdrawn_operator_certificates",
    ],
    "deliberations": [
        "INSERT INTO customers (name, title, cbe_number) VALUES ('new', '', '0123456749')",
        "INSERT INTO deliberations (id, number, customer, legal_contexts, sources,"
        " inscription_required, begin_date, withheld)"
        " VALUES (7, '1', 'new', '[]', '[]', true, '2020-01-01', '[]')",
        "UPDATE deliberations SET revoked_at = 1, revocation_reason = 'mistake'",
        "DELETE FROM deliberations",
    ],
}


@pytest.mark.parametrize("table", CHANGES)
def test_every_change_ends_what_is_remembered(engine: Engine, table: str) -> None:
    """Whoever makes it, and in whatever way: here by SQL, at another connection."""
    edition, asked = Edition(engine), iter(range(100))

    def ask() -> int:
        return edition.answer("question", lambda: next(asked))

    with writing(engine) as connection:
        connection.execute(text("DELETE FROM customers WHERE name = 'another'"))
    assert [ask(), ask()] == [0, 0]
    for expected, change in enumerate(CHANGES[table], 1):
        with writing(engine) as connection:
            connection.execute(text(change))
            assert ask() == expected - 1
        assert [ask(), ask()] == [expected, expected]


def test_a_change_that_is_taken_back_ends_nothing(engine: Engine) -> None:
    edition, asked = Edition(engine), iter(range(100))
    with engine.connect() as connection:
        connection.execute(text(CHANGES["customers"][0]))
        connection.rollback()
    assert [edition.answer("question", lambda: next(asked)) for _ in range(2)] == [0, 0]


def test_each_question_has_an_answer_of_its_own(engine: Engine) -> None:
    edition = Edition(engine)
    assert edition.answer("one", lambda: 1) == 1
    assert edition.answer("none", lambda: None) is None
    assert edition.answer("none", lambda: 3) is None
    assert edition.answer("one", lambda: 2) == 1


def test_a_question_is_answered_while_another_thread_forgets_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here between a first look for the question, by which it is there, and a second one."""
    monkeypatch.setattr(module, "_MOST", 1)
    edition, looks = Edition(engine), iter(range(100))

    class Question:
        def __hash__(self) -> int:
            if next(looks) == 3:
                edition.answer("another", lambda: 2)
            return 1

    question = Question()
    assert edition.answer(question, lambda: 1) == 1
    looks = iter([2, 3])
    assert edition.answer(question, lambda: 1) == 1
