"""What a cadastre is asked, and what it gives (DOMAIN 1)."""

from __future__ import annotations

from dataclasses import dataclass

from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import File
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import left_of, withhold


@dataclass(frozen=True, slots=True)
class CadastreCall:
    """One call: exactly one source and one range of months (DOMAIN 1).

    ``ticket`` is KSZ's reference of the consultation (ticketCBSS); ``customer`` asks, for the
    purpose that ``legal_context`` names. An operator elsewhere must be told all three, and
    ``withheld``, the blocks that it is not to send (domain.withholding).
    """

    source: AuthenticSource
    ssin: str
    months: MonthRange
    ticket: str = ""
    customer: Customer | None = None
    legal_context: str = ""
    withheld: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a cadastre gave: files, and the elements of which it left some out, by their names."""

    files: tuple[File, ...]
    truncated: tuple[str, ...] = ()

    def without(self, blocks: frozenset[str]) -> Holdings:
        """The same as if these blocks had never been held, nor cut (DOMAIN 7)."""
        if not blocks:
            return self
        files = tuple(withhold(file, blocks) for file in self.files)
        return Holdings(files, left_of(self.truncated, blocks))
