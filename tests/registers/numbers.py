"""SSINs of tests, their check digits by the rule of DOMAIN 4 written once more."""

from __future__ import annotations


def ssin(first_nine: str, since_2000: bool = True) -> str:
    """The number with its check: 97 less the remainder by 97, with a 2 before from 2000 on."""
    check = 97 - int(("2" if since_2000 else "") + first_nine) % 97
    return f"{first_nine}{check:02d}"


NOOR = ssin("120315901")
OTIS = ssin("140702903")
MILA = ssin("160110902")
PARENT = ssin("800101901", since_2000=False)
OTHER_PARENT = ssin("810202902", since_2000=False)
