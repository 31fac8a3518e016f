"""A cadastre: it is asked for the files of one person at one source in one range of months."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from ksz_childbenefits.domain.cadastre import CadastreCall, Holdings

__all__ = ["Cadastre", "CadastreCall", "DistantCadastre", "Holdings"]


class Cadastre(Protocol):
    """What every cadastre can do, wherever it runs."""

    def files(self, call: CadastreCall) -> Holdings:
        """The person's files whose validity overlaps the range.

        Whole as they are held, or selected and limited already (domain.selection), which the
        gateway does in any case. Raises CadastreFailure when the cadastre cannot answer.
        """
        ...


@runtime_checkable
class DistantCadastre(Cadastre, Protocol):
    """One on another machine: several are asked at once, and no thread waits for any of them."""

    def start(
        self, call: CadastreCall, begun: float, ended: Callable[..., None]
    ) -> Callable[[], Holdings]:
        """Send the call, and give what waits for its answer, which is as ``files`` gives it.

        ``begun``, as time.monotonic() tells it: when the request's calls began, which all have the
        time that one may take. ``ended`` is called when the reply is there, or none will come.
        """
        ...
