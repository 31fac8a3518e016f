"""A world for the benchmark: mothers whose replies have a given size. All of it is invented.

A file holds a child and its mother, a birth bonus and some payment periods: some 3.7 KB on the
wire, so that four files and the signature make the 19 KB of the peers' job (issue 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.domain.ssin import check_digits

LEGAL_CONTEXT: Final = "BENCH:ALL_THERE_IS"

SIZES: Final = (1, 4, 20, 100)
"""Of how many files, all in WALLONIA, there is a mother."""

JOB_FILES: Final = 4
"""The peers' job."""

_NAMUR: Final = "92094"
_PERIODS: Final = 4
"""Of a child; the last of them is not its mother's."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A customer of the world; ``curve``: its key is on P-256, else RSA-2048."""

    name: str
    cbe_number: str
    curve: bool


RSA: Final = Caller("bench-rsa", "0800000174", curve=False)
P256: Final = Caller("bench-p256", "0800000273", curve=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """Who holds the files of a source, and the fund that pays."""

    operator: Operator
    fund: str
    begin: str
    end: str | None = None


_PLACES: Final = {
    AuthenticSource.FEDERAL: _Place(Operator.ORINT, "991", "2016-01-01", "2018-12-31"),
    AuthenticSource.BRUSSELS: _Place(Operator.IRISCARE, "0800000372", "2024-01-01"),
    AuthenticSource.FLANDERS: _Place(Operator.OPGROEIEN, "0800000471", "2024-01-01"),
    AuthenticSource.WALLONIA: _Place(Operator.AVIQ, "0800000570", "2024-01-01"),
    AuthenticSource.EASTBELGIUM: _Place(Operator.AVIQ, "0800000669", "2024-01-01"),
}


def _ssin(first_nine: str, *, young: bool) -> str:
    return first_nine + check_digits(first_nine, born_2000_or_later=young)


MOTHERS: Final = {size: _ssin(f"801231{990 + n:03d}", young=False) for n, size in enumerate(SIZES)}
"""The mother of so many files, by their number."""

MOTHER_EVERYWHERE: Final = _ssin("801231999", young=False)
"""The mother of a file at each source."""

_CHILDREN: Final = [_ssin(f"101231{900 + n:03d}", young=True) for n in range(max(SIZES))]


def write_world(folder: Path) -> Path:
    """Write the world for ``demo.world.load_world`` into a folder, which it gives back."""
    for name, lines in (
        ("customers.toml", _customers()),
        ("funds.toml", _funds()),
        ("mothers.toml", _mothers()),
    ):
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def _customers() -> Iterator[str]:
    for caller in (RSA, P256):
        yield f'[[customer]]\nname = "{caller.name}"\ntitle = "Invented"'
        yield f'cbe = "{caller.cbe_number}"\n'
        yield f'[[deliberation]]\nnumber = "BENCH/{caller.name}"\ncustomer = "{caller.name}"'
        yield f'legal_contexts = ["{LEGAL_CONTEXT}"]\ninscription_required = true'
        yield f"sources = {[source.value for source in AuthenticSource]}\nvalid_from = 2018-01-01\n"


def _funds() -> Iterator[str]:
    for source, place in _PLACES.items():
        yield f'[[fund]]\nnumber = "{place.fund}"\nnl = "Uitbetaler van de meting, {source}"'
        yield f'fr = "Payeur de la mesure, {source}"\nde = "Zahlstelle der Messung, {source}"\n'


def _mothers() -> Iterator[str]:
    yield 'story = "Mothers of as many files as are to be measured."\ncites = "issue 5"'
    for ssin in (*MOTHERS.values(), MOTHER_EVERYWHERE, *_CHILDREN):
        yield f'[[person]]\nssin = "{ssin}"\nname = "Invented"'
        yield f'factors = [{{ factor = 1, nis = "{_NAMUR}", from = 2011-01-01 }}]'
    number = 0
    for files, mother in MOTHERS.items():
        for child in _CHILDREN[:files]:
            number += 1
            yield from _file(AuthenticSource.WALLONIA, mother, child, number)
    for source in _PLACES:
        number += 1
        yield from _file(source, MOTHER_EVERYWHERE, _CHILDREN[0], number)


def _file(source: AuthenticSource, mother: str, child: str, number: int) -> Iterator[str]:
    place = _PLACES[source]
    flemish = source is AuthenticSource.FLANDERS
    paid_to = f', beneficiaries = ["{mother}"]' if flemish else ""
    category = "BASIC" if flemish else "CHILD_ALLOWANCE"
    year = place.begin[:4]
    periods = [
        f'{{ from = "{year}-{2 * n + 2:02d}", to = "{year}-{2 * n + 3:02d}", '
        f'category = "{category}"{paid_to} }}'
        for n in range(_PERIODS)
    ]
    bonus = f'{{ date = {year}-01-15, category = "BIRTH"{paid_to} }}'
    paid = f"bonuses = [{bonus}], periods = [{', '.join(periods)}]"
    yield f'[[file]]\noperator = "{place.operator}"\nsource = "{source}"\nfund = "{place.fund}"'
    yield f"from = {place.begin}" + (f"\nto = {place.end}" if place.end else "")
    if not flemish:
        yield f'number = "{place.fund[-3:]}01{number:06d}"'
    if source is AuthenticSource.FEDERAL:
        yield f'entitled = "{mother}"'
    yield f'children = [{{ ssin = "{child}", {paid} }}]'
    of_mother = f", bonuses = [{bonus}], periods = [{', '.join(periods[:-1])}]"
    yield f'beneficiaries = [{{ ssin = "{mother}"{"" if flemish else of_mother} }}]\n'
