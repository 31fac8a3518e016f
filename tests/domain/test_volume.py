"""How much one reply holds (docs/decisions/0016)."""

from __future__ import annotations

from ksz_childbenefits.domain.consultation import (
    Code,
    Information,
    SourceResult,
    Status,
    StatusValue,
)
from ksz_childbenefits.domain.files import Bonus, File, FileMember, FileType, Fund, PaymentPeriod
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.volume import HELD_ENTRIES, REPLY_ENTRIES, entries, within
from tests.domain.makers import ANN, BEN, BRUSSELS, CAS, FLANDERS, WALLONIA, day, month

PERIOD = PaymentPeriod(month("2024-01"), None, "BASIC")
BONUS = Bonus(day("2024-01-01"), "BIRTH")
FILE = File(
    type=FileType.CHILD_BENEFIT,
    begin=day("2024-01-01"),
    end=None,
    fund=Fund("0695982819", None, ()),
    file_number=None,
    entitled_person=None,
    children=(FileMember(ANN, (BONUS,), (PERIOD, PERIOD)), FileMember(CAS)),
    beneficiaries=(FileMember(BEN, (), (PERIOD,)),),
)
FOUND = Status(StatusValue.DATA_FOUND, Code.SUCCESS)
NOTHING = Status(StatusValue.NO_DATA_FOUND, Code.NO_DATA)


def found(source: AuthenticSource, files: int) -> SourceResult:
    return SourceResult(source, FOUND, (FILE,) * files)


def failed(source: AuthenticSource) -> SourceResult:
    information = (Information("authenticSource", source),)
    status = Status(StatusValue.TECHNICAL_ERROR, Code.COMMUNICATION_ERROR, information)
    return SourceResult(source, status)


def test_a_file_its_persons_and_their_payments_count() -> None:
    """One file, three persons, one bonus and three periods."""
    assert entries([FILE]) == 8
    assert entries([FILE, FILE._replace(children=())]) == 8 + 3
    assert entries([]) == 0


def test_what_fits_stays_as_it_is() -> None:
    results = (found(WALLONIA, 2), SourceResult(FLANDERS, NOTHING), found(BRUSSELS, 1))
    assert within(results, 24) == results


def test_what_has_no_room_is_a_technical_error() -> None:
    """Of 23 entries 16 are taken; 8 do not fit, and later ones that do are delivered."""
    results = (
        found(WALLONIA, 2),
        found(BRUSSELS, 1),
        SourceResult(FLANDERS, NOTHING),
    )
    assert within(results, 23) == (results[0], failed(BRUSSELS), results[2])
    small = SourceResult(FLANDERS, FOUND, (FILE._replace(children=()),))
    assert within((found(WALLONIA, 3), small), 23) == (failed(WALLONIA), small)


def test_a_cadastre_reads_more_than_a_reply_holds() -> None:
    """Else asking for fewer months would not help."""
    assert HELD_ENTRIES > REPLY_ENTRIES == 5000
