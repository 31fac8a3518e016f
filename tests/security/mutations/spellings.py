"""Mutations of a sealed message's text: most say the same in other letters, some do not."""

from __future__ import annotations

import re
from random import Random

from tests.security.mutations.trees import NotHereError


def _anywhere(text: str, random: Random, pattern: str) -> re.Match[str]:
    found = list(re.finditer(pattern, text))
    if not found:
        raise NotHereError
    return random.choice(found)


def _between(text: str, place: int, what: str) -> str:
    return text[:place] + what + text[place:]


# Traps of canonicalisation


def a_comment(text: str, random: Random) -> str:
    return _between(text, _anywhere(text, random, r">").end(), "<!-- x -->")


def a_comment_in_a_text(text: str, random: Random) -> str:
    number = _anywhere(text, random, r"[0-9]{6,}")
    return _between(text, random.randint(*number.span()), "<!---->")


def a_reference_to_a_character(text: str, random: Random) -> str:
    letter = _anywhere(text, random, r"(?<=[0-9A-Za-z])[0-9](?=[^<>\"]*<)")
    form = random.choice(["&#{};", "&#x{:x};", "&#0000{};"]).format(ord(letter[0]))
    return text[: letter.start()] + form + text[letter.end() :]


def cdata(text: str, random: Random) -> str:
    held = _anywhere(text, random, r"(?<=>)[^<>&]+(?=</)")
    return f"{text[: held.start()]}<![CDATA[{held[0]}]]>{text[held.end() :]}"


def empty_cdata(text: str, random: Random) -> str:
    return _between(text, _anywhere(text, random, r"(?<=>)[0-9]{4}").start(), "<![CDATA[]]>")


def other_quotes(text: str, random: Random) -> str:
    value = _anywhere(text, random, r'="([^"\']*)"')
    return f"{text[: value.start()]}='{value[1]}'{text[value.end() :]}"


def blanks_in_a_tag(text: str, random: Random) -> str:
    end = _anywhere(text, random, r"(?<=[\"\w])/?>").start()
    return _between(text, end, random.choice([" ", "\n", "\t ", "\r\n"]))


def an_empty_element_in_full(text: str, random: Random) -> str:
    tag = _anywhere(text, random, r"<([\w:]+)([^<>]*)/>")
    return f"{text[: tag.start()]}<{tag[1]}{tag[2]}></{tag[1]}>{text[tag.end() :]}"


def blanks_between(text: str, random: Random) -> str:
    place = _anywhere(text, random, r"(?<=>)(?=<)").start()
    return _between(text, place, random.choice([" ", "\n  ", "\t", "\r\n", "&#32;", "\u00a0"]))


def blanks_in_a_value(text: str, random: Random) -> str:
    value = _anywhere(text, random, r'="[^"]+(?=")')
    return _between(text, value.end(), random.choice([" ", "\n", "&#10;", "&#x20;", "\t"]))


def attributes_turned_round(text: str, random: Random) -> str:
    pair = _anywhere(text, random, r'([\w:]+="[^"]*") ([\w:]+="[^"]*")')
    return f"{text[: pair.start()]}{pair[2]} {pair[1]}{text[pair.end() :]}"


def an_instruction(text: str, random: Random) -> str:
    return _between(text, _anywhere(text, random, r">").end(), "<?x y?>")


def a_document_type(text: str, random: Random) -> str:
    return random.choice(["<!DOCTYPE x>", '<!DOCTYPE x [<!ENTITY e "v">]>']) + text


# Namespaces


def a_spare_namespace(text: str, random: Random) -> str:
    """Declared and not used: exclusive canonicalisation leaves it out."""
    end = _anywhere(text, random, r"(?<=<)(?:s|wsse|wsu|ds|intf):\w+(?=[ >])").end()
    return _between(text, end, f' xmlns:spare{random.randrange(9)}="urn:spare"')


def a_namespace_again(text: str, random: Random) -> str:
    """One that is in scope already, declared once more in the same words."""
    declared = _anywhere(text, random, r' xmlns:\w+="[^"]*"')[0]
    tag = _anywhere(text, random, r"(?<=<)[\w:]+(?=[ >])")
    if declared.split("=")[0] in text[tag.start() : text.find(">", tag.start())]:
        raise NotHereError
    return _between(text, tag.end(), declared)


def a_default_namespace(text: str, random: Random) -> str:
    place = _anywhere(text, random, r"<s:Envelope").end()
    return _between(text, place, ' xmlns="urn:default"')


def no_default_namespace(text: str, random: Random) -> str:
    place = _anywhere(text, random, r"(?<=<)(?:criteria|ssin|period)(?=[ >])").end()
    return _between(text, place, ' xmlns=""')


def another_prefix_for_the_envelope(text: str, random: Random) -> str:
    namespace = _anywhere(text, random, r'xmlns:s="([^"]*)"')[1]
    text = text.replace("<s:Envelope", f'<E:Envelope xmlns:E="{namespace}"', 1)
    return text.replace("</s:Envelope>", "</E:Envelope>")


def a_prefix_bound_otherwise(text: str, random: Random) -> str:
    declared = _anywhere(text, random, r'xmlns:\w+="[^"]*(?=")')
    return _between(text, declared.end(), random.choice(["x", "/", " "]))


def a_relative_namespace(text: str, random: Random) -> str:
    end = _anywhere(text, random, r"(?<=<)[\w:]+(?=[ >])").end()
    return _between(text, end, ' xmlns:r="relative"')


# Base64


def _value(text: str, random: Random) -> re.Match[str]:
    path = r"(?<=<ds:SignatureValue>)[^<]+|(?<=<ds:DigestValue>)[^<]+|[A-Za-z0-9+/=\s]{300,}"
    return _anywhere(text, random, path)


def _signature(text: str, random: Random) -> re.Match[str]:
    return _anywhere(text, random, r"(?<=<ds:SignatureValue>)[^<]+")


def lines_in_a_value(text: str, random: Random) -> str:
    value = _signature(text, random)
    letters = random.choice(["\n", " ", "\r\n", "\t", "&#13;&#10;", "\u00a0"])
    return _between(text, random.randint(*value.span()), letters)


def lines_in_any_value(text: str, random: Random) -> str:
    return _between(text, random.randint(*_value(text, random).span()), "\n")


def references_in_a_value(text: str, random: Random) -> str:
    value = _signature(text, random)
    spelled = "".join(f"&#{ord(letter)};" for letter in value[0])
    return text[: value.start()] + spelled + text[value.end() :]


def another_padding(text: str, random: Random) -> str:
    value = _value(text, random)
    stripped = value[0].rstrip("=\n ")
    return text[: value.start()] + stripped + random.choice(["", "=", "==="]) + text[value.end() :]


def stray_letters(text: str, random: Random) -> str:
    place = random.randint(*_value(text, random).span())
    return _between(text, place, random.choice(["-", "_", "*", "=", "A", "é"]))


def stray_bits(text: str, random: Random) -> str:
    end = _anywhere(text, random, r"[AQgw](?===</ds:(?:SignatureValue|DigestValue))")
    follower = {"A": "B", "Q": "R", "g": "h", "w": "x"}[end[0]]
    return text[: end.start()] + follower + text[end.end() :]


# Encodings: what is no text any more is not respelled again


def with_a_mark(text: str, random: Random) -> bytes:
    return text.encode(random.choice(["utf-8-sig", "utf-16", "utf-16"]))


def without_a_mark(text: str, random: Random) -> bytes:
    """Declared, for the oracles know UTF-16 without a mark by its declaration only.

    We know it by the charset of HTTP, too, which they never see.
    """
    declared = f'<?xml version="1.0" encoding="UTF-16"?>\n{text}'
    return declared.encode(random.choice(["utf-16-le", "utf-16-be"]))


def declared(text: str, random: Random) -> bytes:
    """Most declarations are true: the message is ASCII."""
    name = random.choice(["utf-8", "UTF-8", "iso-8859-1", "us-ascii", "utf-16", "x"])
    return f'<?xml version="1.0" encoding="{name}"?>\n{text}'.encode()


def declared_in_utf_16(text: str, random: Random) -> bytes:
    name = random.choice(["utf-16", "UTF-16", "utf-8"])
    return f'<?xml version="1.0" encoding="{name}"?>\n{text}'.encode("utf-16")
