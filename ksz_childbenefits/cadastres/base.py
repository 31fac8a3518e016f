"""A cadastre: it is asked for the files of one person at one source in one range of months."""

from __future__ import annotations

from typing import Protocol

from ksz_childbenefits.domain.cadastre import CadastreCall, Holdings

__all__ = ["Cadastre", "CadastreCall", "Holdings"]


class Cadastre(Protocol):
    """What every cadastre can do, wherever it runs."""

    def files(self, call: CadastreCall) -> Holdings:
        """The person's files whose validity overlaps the range.

        Whole as they are held, or selected and limited already (domain.selection), which the
        gateway does in any case. Raises CadastreFailure when the cadastre cannot answer.
        """
        ...
