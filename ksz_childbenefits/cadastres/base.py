"""A cadastre: it is asked for the files of one person at one source in one range of months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ksz_childbenefits.domain.files import File
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.sources import AuthenticSource


@dataclass(frozen=True, slots=True)
class CadastreCall:
    """One call: exactly one source and one range of months (DOMAIN 1)."""

    source: AuthenticSource
    ssin: str
    months: MonthRange


class Cadastre(Protocol):
    """What every cadastre can do, wherever it runs."""

    def files(self, call: CadastreCall) -> tuple[File, ...]:
        """The person's files whose validity overlaps the range, whole, as they are held.

        Selecting what is returned of them is not the cadastre's work (domain.selection). Raises
        CadastreFailure when the cadastre cannot answer.
        """
        ...
