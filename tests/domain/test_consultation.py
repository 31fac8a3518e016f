"""The values of an answer."""

from __future__ import annotations

from ksz_childbenefits.domain.consultation import (
    Code,
    Information,
    NoResult,
    SsinNotice,
    Status,
    StatusValue,
)
from tests.domain.makers import ANN


def test_a_value_as_sent_is_cut_to_256_characters() -> None:
    assert Information.as_sent("beginMonth", "9" * 300).value == "9" * 256
    assert Information.as_sent("beginMonth", "9" * 256).value == "9" * 256


def test_a_refusal_is_a_status() -> None:
    refusal = NoResult(Code.SSIN_CANCELLED, Information("ssin", ANN), notice=SsinNotice(ANN))
    expected = Status(StatusValue.NO_RESULT, Code.SSIN_CANCELLED, (Information("ssin", ANN),))
    assert refusal.status == expected
    assert refusal.notice == SsinNotice(ANN, None, canceled=False)
    assert str(refusal) == "MSG00007", "no number of a person in the text"
