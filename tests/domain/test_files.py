"""The values of a file."""

from __future__ import annotations

import pytest

from ksz_childbenefits.domain.files import Fund
from tests.domain.makers import ANN, BEN, CAS, file, member


def test_a_fund_has_one_number() -> None:
    assert Fund("0685540471", None).number == "0685540471"
    assert Fund(None, "104").number == "104"


@pytest.mark.parametrize(("enterprise", "code"), [(None, None), ("0685540471", "104")])
def test_a_fund_is_named_in_one_way(enterprise: str | None, code: str | None) -> None:
    with pytest.raises(ValueError, match="either"):
        Fund(enterprise, code)


def test_the_persons_of_a_file_in_every_role() -> None:
    held = file("2018-01-01", children=(member(ANN),), beneficiaries=(member(BEN),))
    assert held.members() == {ANN, BEN}
    assert file("2018-01-01", entitled=CAS).members() == {ANN, CAS}
