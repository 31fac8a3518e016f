"""Mutated messages, by families and from seeds: the same seed makes the same mutations.

A message is laid out (and perhaps mutated), sealed by xmlsec, and mutated again: first its tree,
then its text. A family says what it is that changes. (Keys are made per run, and ECDSA signatures
are never the same twice: of a seed the changes are the same, not the octets.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

import xmlsec
from lxml import etree

from tests.security.messages import Recipe, algorithm_for, filled_in, unsigned
from tests.security.mutations import layout, spellings, tampering
from tests.security.mutations.trees import NotHereError
from tests.security.pki import Party, pki

TreeMutation = Callable[[etree._Element, Random], None]
TextMutation = Callable[[str, Random], str | bytes]


@dataclass(frozen=True)
class Family:
    """Mutations of one kind: before the seal, of the sealed tree, of the sealed text."""

    before: tuple[TreeMutation, ...] = ()
    tree: tuple[TreeMutation, ...] = ()
    text: tuple[TextMutation, ...] = ()


FAMILIES: Mapping[str, Family] = {
    "content replaced": Family(
        before=(layout.another_question, layout.two_bodies),
        tree=(
            *(tampering.swap_the_body, tampering.add_a_body, tampering.move_a_part),
            *(tampering.copy_a_part, tampering.wrap_the_envelope, tampering.forge_the_request),
            *(tampering.renew_the_timestamp, tampering.change_a_text, tampering.drop_an_element),
            *(tampering.change_an_attribute, tampering.double_an_element),
            tampering.swap_two_elements,
        ),
    ),
    "header": Family(
        before=(layout.other_children_of_security, layout.sign_a_header_too),
        tree=(
            *(tampering.add_a_header, tampering.shuffle_security, tampering.spread_out),
            *(tampering.set_an_actor, tampering.set_must_understand, tampering.another_security),
            tampering.header_after_body,
        ),
    ),
    "references": Family(
        before=(
            *(layout.reorder_references, layout.drop_a_reference, layout.double_a_reference),
            *(layout.sign_something_else_too, layout.sign_a_header_too),
            *(layout.say_more_of_a_reference, layout.point_elsewhere),
        ),
        tree=(tampering.references_in_another_order, tampering.swap_the_body),
    ),
    "transforms": Family(
        before=(
            *(layout.another_c14n, layout.a_prefix_list, layout.an_enveloped_transform),
            *(layout.a_transform_twice, layout.no_transforms, layout.an_xpath),
        ),
        tree=(tampering.swap_the_body,),
    ),
    "algorithms": Family(
        before=(layout.another_digest, layout.another_signature, layout.digests_all_alike),
        tree=(tampering.bits_of_the_value,),
    ),
    "ids": Family(
        before=(layout.another_kind_of_id, layout.other_names, layout.more_ids),
        tree=(
            *(tampering.rename_an_id, tampering.bear_an_id_twice, tampering.ids_change_places),
            tampering.swap_the_body,
        ),
    ),
    "namespaces": Family(
        before=(layout.attributes_of_body,),
        tree=(tampering.rename_an_element,),
        text=(
            *(spellings.a_spare_namespace, spellings.a_namespace_again),
            *(spellings.a_default_namespace, spellings.no_default_namespace),
            *(spellings.another_prefix_for_the_envelope, spellings.a_prefix_bound_otherwise),
            spellings.a_relative_namespace,
        ),
    ),
    "c14n traps": Family(
        before=(layout.attributes_of_body, layout.a_prefix_list),
        text=(
            *(spellings.a_comment, spellings.a_comment_in_a_text, spellings.cdata),
            *(spellings.a_reference_to_a_character, spellings.empty_cdata, spellings.other_quotes),
            *(spellings.blanks_in_a_tag, spellings.an_empty_element_in_full),
            *(spellings.blanks_between, spellings.blanks_in_a_value, spellings.an_instruction),
            *(spellings.attributes_turned_round, spellings.a_document_type),
        ),
    ),
    "base64": Family(
        tree=(tampering.the_other_s, tampering.bits_of_the_value),
        text=(
            *(spellings.lines_in_a_value, spellings.lines_in_any_value),
            *(spellings.references_in_a_value, spellings.another_padding),
            *(spellings.stray_letters, spellings.stray_bits),
        ),
    ),
    "encodings": Family(
        tree=(tampering.change_a_text,),
        text=(
            *(spellings.with_a_mark, spellings.without_a_mark, spellings.declared),
            spellings.declared_in_utf_16,
        ),
    ),
    "certificates": Family(
        before=(layout.another_token, layout.other_words_for_the_token, layout.other_key_info),
        tree=(tampering.token_of, tampering.bits_of_the_token, tampering.the_other_s),
        text=(spellings.lines_in_any_value,),
    ),
}


@dataclass(frozen=True)
class Mutated:
    """A mutated message: of which family, who signed it, what was changed."""

    family: str
    party: Party
    message: bytes
    changes: tuple[str, ...]


@cache
def _recipes() -> list[tuple[Party, Recipe]]:
    """Messages of several kinds, as customers write them."""
    ordinary = Recipe(algorithm=algorithm_for(pki().p256))
    header = '<x:h xmlns:x="urn:x" wsu:Id="H-1">signed</x:h>'
    return [
        (pki().p256, ordinary),
        (pki().p256, ordinary.with_(signed=(0, 1))),
        (pki().p256, ordinary.with_(other_headers=header, header_parts=("H-1",))),
        (pki().p256, ordinary.with_(prefixes="s wsu", id_attribute="Id")),
        (pki().p384, Recipe(algorithm=algorithm_for(pki().p384, 384))),
        (pki().rsa, Recipe()),
    ]


@cache
def _sealed(number: int) -> bytes:
    party, recipe = _recipes()[number]
    return filled_in(unsigned(recipe, party), party)


def mutated(seed: int) -> Mutated:
    """The mutation of a seed: one to three changes of a family, now and then of another too."""
    random = Random(seed)
    family = list(FAMILIES)[seed % len(FAMILIES)]
    number = random.randrange(len(_recipes()))
    chosen = [family] * random.choice([1, 1, 2, 3])
    if random.random() < 0.15:
        chosen.append(random.choice(list(FAMILIES)))
    picked = [_pick(name, random) for name in chosen]
    changes: list[str] = []
    message = _laid_out(number, [m for stage, m in picked if stage == "before"], random, changes)
    message = _tampered(message, [m for stage, m in picked if stage == "tree"], random, changes)
    for stage, mutation in picked:
        if stage == "text":
            message = _respelled(message, mutation, random, changes)
    return Mutated(family, _recipes()[number][0], message, tuple(changes))


def _pick(family: str, random: Random) -> tuple[str, Callable[..., object]]:
    one = FAMILIES[family]
    stages = (("before", one.before), ("tree", one.tree), ("text", one.text))
    return random.choice([(stage, mutation) for stage, all_ in stages for mutation in all_])


def _laid_out(
    number: int, mutations: list[Callable[..., object]], random: Random, changes: list[str]
) -> bytes:
    """A message, mutated and then sealed; where xmlsec cannot seal that, as it was before."""
    if not mutations:
        return _sealed(number)
    party, recipe = _recipes()[number]
    root = etree.fromstring(unsigned(recipe, party))
    made = [m.__name__ for m in mutations if _applied(m, root, random)]
    try:
        sealed = filled_in(etree.tostring(root, encoding="unicode"), party)
    except (xmlsec.Error, etree.XMLSyntaxError, AssertionError):
        changes.append(f"not sealed: {', '.join(made)}")
        return _sealed(number)
    changes += made
    return sealed


def _tampered(
    message: bytes, mutations: list[Callable[..., object]], random: Random, changes: list[str]
) -> bytes:
    if not mutations:
        return message
    root = etree.fromstring(message)
    changes += [m.__name__ for m in mutations if _applied(m, root, random)]
    return etree.tostring(root)


def _applied(mutation: Callable[..., object], root: etree._Element, random: Random) -> bool:
    try:
        mutation(root, random)
    except NotHereError:
        return False
    return True


def _respelled(
    message: bytes, mutation: Callable[..., object], random: Random, changes: list[str]
) -> bytes:
    try:
        changed = mutation(message.decode(), random)
    except (NotHereError, UnicodeDecodeError):
        return message
    changes.append(mutation.__name__)
    return changed if isinstance(changed, bytes) else str(changed).encode()
