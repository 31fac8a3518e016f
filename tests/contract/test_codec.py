"""Questions from requests, replies from outcomes; what is written is always valid."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ksz_childbenefits import errors
from ksz_childbenefits.contract import codec, schemas, wording
from ksz_childbenefits.contract.codec import CbssInformation
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.envelope import write_body, write_envelope
from ksz_childbenefits.contract.namespaces import INTF
from ksz_childbenefits.contract.xmlio import parse, serialise
from ksz_childbenefits.domain.consultation import (
    Code,
    Identification,
    Information,
    Outcome,
    Question,
    SourceResult,
    SsinNotice,
    Status,
    StatusValue,
)
from ksz_childbenefits.domain.files import (
    Bonus,
    Description,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource
from tests.contract.canonical import canonical, read
from tests.contract.messages import SSIN, request, sources_xml
from tests.contract.oracle import oracle_accepts

PARENT = "85073003328"
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
CBSS = CbssInformation(
    UUID,
    datetime(2024, 1, 31, 13, 0, 0, 123456, timezone(timedelta(hours=1))),
    datetime(2024, 1, 31, 12, 0, 1, tzinfo=UTC),
)
QUESTION = Question(
    identification=Identification("0206731645"),
    ticket=" T 1 ",
    timestamp_sent="2024-01-31T13:00:00Z",
    legal_context="PCSA:SOCIAL_INQUIRY",
    ssin=SSIN,
    begin_month="2018-01Z",
    end_month=None,
    sources=(AuthenticSource.WALLONIA, AuthenticSource.FEDERAL),
)
FOUND = Status(StatusValue.DATA_FOUND, Code.SUCCESS)
NO_RESULT = StatusValue.NO_RESULT


def reply(outcome: Outcome, question: Question = QUESTION) -> etree._Element:
    """The reply as a customer reads it; held to the XSD on the way."""
    written = codec.encode_outcome(question, outcome, CBSS)
    schemas.prove_reply(CONSULTATION, written)
    return read(written)


class TestQuestion:
    def test_everything_as_it_was_sent(self) -> None:
        element = request(
            ticket="<ticket> T\n1 </ticket>",
            sent="<timestampSent>2024-01-31T13:00:00.5+01:00</timestampSent>",
            legal_context="<legalContext> X </legalContext>",
            months="<beginMonth>2018-01Z</beginMonth><endMonth>2024-12</endMonth>",
            sources=sources_xml("WALLONIA", "FEDERAL", "WALLONIA"),
        )
        assert codec.decode_question(element) == Question(
            identification=Identification("0206731645", None, None),
            ticket=" T\n1 ",
            timestamp_sent="2024-01-31T13:00:00.5+01:00",
            legal_context=" X ",
            ssin=SSIN,
            begin_month="2018-01Z",
            end_month="2024-12",
            sources=(
                AuthenticSource.WALLONIA,
                AuthenticSource.FEDERAL,
                AuthenticSource.WALLONIA,
            ),
        )

    def test_what_is_absent_is_none_and_what_is_empty_is_empty(self) -> None:
        question = codec.decode_question(
            request(months="<beginMonth>2018-01</beginMonth>", legal_context="<legalContext/>")
        )
        assert question.ticket is None
        assert question.timestamp_sent is None
        assert question.end_month is None
        assert question.sources is None
        assert question.legal_context == ""
        assert codec.decode_question(request(ticket="<ticket/>")).ticket == ""

    def test_sector_and_institution_with_their_blanks(self) -> None:
        customer = "<sector> 17 </sector><institution>001</institution>"
        identification = codec.decode_question(request(customer=customer)).identification
        assert identification == Identification(None, " 17 ", "001")

    def test_what_was_not_held_to_the_xsd_is_our_error(self) -> None:
        with pytest.raises(errors.InternalError):
            codec.decode_question(etree.fromstring("<x/>"))


class TestReply:
    def test_a_refusal_word_for_word(self) -> None:
        status = Status(NO_RESULT, Code.SSIN_REPLACED, (Information("newSSIN", PARENT),))
        outcome = Outcome(status, SsinNotice(SSIN, replaced_by=PARENT))
        assert canonical(reply(outcome)) == (
            f'<intf:consultFilesBySsinResponse xmlns:intf="{INTF}">'
            "<informationCustomer><ticket> T 1 </ticket>"
            "<timestampSent>2024-01-31T13:00:00Z</timestampSent>"
            "<customerIdentification><cbeNumber>0206731645</cbeNumber></customerIdentification>"
            "</informationCustomer>"
            f"<informationCBSS><ticketCBSS>{UUID}</ticketCBSS>"
            "<timestampReceive>2024-01-31T12:00:00.123Z</timestampReceive>"
            "<timestampReply>2024-01-31T12:00:01.000Z</timestampReply></informationCBSS>"
            "<legalContext>PCSA:SOCIAL_INQUIRY</legalContext>"
            f"<criteria><ssin>{SSIN}</ssin><period><beginMonth>2018-01Z</beginMonth></period>"
            "<authenticSources><authenticSource>WALLONIA</authenticSource>"
            "<authenticSource>FEDERAL</authenticSource></authenticSources></criteria>"
            "<status><value>NO_RESULT</value><code>MSG00006</code>"
            "<description>The SSIN is replaced by another one.</description>"
            f"<information><fieldName>newSSIN</fieldName><fieldValue>{PARENT}</fieldValue>"
            "</information></status>"
            f'<ssin replacedBy="{PARENT}">{SSIN}</ssin>'
            "</intf:consultFilesBySsinResponse>"
        )

    def test_files_word_for_word(self) -> None:
        """A FLANDERS file (DOMAIN 6) and a FEDERAL one."""
        bonus = Bonus(date(2019, 3, 20), "BIRTH", (PARENT,))
        period = PaymentPeriod(YearMonth(2019, 4), None, "NEW_CATEGORY", (PARENT, SSIN))
        flemish = File(
            FileType.CHILD_BENEFIT,
            date(2019, 4, 1),
            None,
            Fund("0685540471", None, (Description("NL", "Infino"),)),
            None,
            None,
            (FileMember(SSIN, (bonus,), (period,)),),
            (FileMember(PARENT, (bonus,), (period,)),),
        )
        federal = File(
            FileType.CHILD_BENEFIT,
            date(2012, 4, 1),
            date(2018, 12, 31),
            Fund(None, "104"),
            "104010001234",
            PARENT,
            (
                FileMember(
                    SSIN,
                    (),
                    (PaymentPeriod(YearMonth(2012, 4), YearMonth(2018, 12), "CHILD_ALLOWANCE"),),
                ),
            ),
            (),
        )
        outcome = Outcome(
            FOUND,
            SsinNotice(SSIN),
            (
                SourceResult(AuthenticSource.FLANDERS, FOUND, (flemish,)),
                SourceResult(AuthenticSource.FEDERAL, FOUND, (federal,)),
                SourceResult(
                    AuthenticSource.WALLONIA,
                    Status(StatusValue.NO_DATA_FOUND, Code.NO_DATA),
                ),
            ),
        )
        results = reply(outcome).find("results")
        assert results is not None
        birth = (
            "<paymentDate>2019-03-20</paymentDate><category><code>BIRTH</code>"
            '<description language="NL">Geboortebedrag</description>'
            '<description language="FR">Allocation de naissance</description>'
            '<description language="DE">Geburtspr\u00e4mie</description></category>'
        )
        new = "<beginMonth>2019-04</beginMonth><category><code>NEW_CATEGORY</code></category>"
        assert [canonical(f) for f in results.iter("file")] == [
            "<file><childBenefitsFund><enterpriseNumber>0685540471</enterpriseNumber>"
            '<description language="NL">Infino</description></childBenefitsFund>'
            f"<beneficiaries><beneficiary><ssin>{PARENT}</ssin>"
            f"<bonuses><bonus>{birth}</bonus></bonuses>"
            f"<paymentPeriods><paymentPeriod>{new}</paymentPeriod></paymentPeriods>"
            "</beneficiary></beneficiaries>"
            f"<children><child><ssin>{SSIN}</ssin>"
            f"<bonuses><bonus>{birth}<beneficiaries><beneficiary>{PARENT}</beneficiary>"
            "</beneficiaries></bonus></bonuses>"
            f"<paymentPeriods><paymentPeriod>{new}<beneficiaries>"
            f"<beneficiary>{PARENT}</beneficiary><beneficiary>{SSIN}</beneficiary>"
            "</beneficiaries></paymentPeriod></paymentPeriods></child></children></file>",
            "<file><childBenefitsFund><code>104</code></childBenefitsFund>"
            f"<fileNumber>104010001234</fileNumber><entitledPersonSsin>{PARENT}</entitledPersonSsin>"
            f"<children><child><ssin>{SSIN}</ssin><paymentPeriods><paymentPeriod>"
            "<beginMonth>2012-04</beginMonth><endMonth>2018-12</endMonth>"
            "<category><code>CHILD_ALLOWANCE</code>"
            '<description language="NL">Kinderbijslag</description>'
            '<description language="FR">Allocations familiales</description>'
            '<description language="DE">Kindergeld</description></category>'
            "</paymentPeriod></paymentPeriods></child></children></file>",
        ]
        assert [r.get("authenticSource") for r in results] == ["FLANDERS", "FEDERAL", "WALLONIA"]
        assert results[2].find("files") is None

    def test_what_is_withheld_stands_before_the_results_or_where_they_would(self) -> None:
        """CONTRACT cb: ssin, dataFilters, results; DOMAIN 5: whether or not data existed."""
        nothing = Status(StatusValue.NO_DATA_FOUND, Code.NO_DATA)
        result = SourceResult(AuthenticSource.WALLONIA, nothing)
        filters = ("bonuses", "paymentPeriods[SOCIAL]")
        for results in ((result,), ()):
            root = reply(Outcome(nothing, SsinNotice(SSIN), results, filters))
            after = [canonical(e) for e in root.iterchildren()][6:7]
            assert after == [
                "<dataFilters><filteredElement>bonuses</filteredElement>"
                "<filteredElement>paymentPeriods[SOCIAL]</filteredElement></dataFilters>"
            ]
            tags = [e.tag for e in root][5:]
            assert tags == ["ssin", "dataFilters", "results"][: 2 + len(results)]

    def test_a_cancelled_number(self) -> None:
        outcome = Outcome(Status(NO_RESULT, Code.SSIN_CANCELLED), SsinNotice(SSIN, canceled=True))
        assert dict(reply(outcome).find("ssin").attrib) == {"canceled": "true"}  # type: ignore[union-attr]

    def test_containers_without_content_are_left_out(self) -> None:
        question = Question(
            Identification(None, "17", "1"), None, None, "", SSIN, "2018-01", "2018-02", None
        )
        root = reply(Outcome(Status(NO_RESULT, Code.LEGAL_CONTEXT)), question)
        assert {e.tag for e in root.iter()}.isdisjoint(
            {"ticket", "timestampSent", "authenticSources", "results", "information"}
        )
        assert root.find("ssin") is None
        assert root.findtext("informationCustomer/customerIdentification/sector") == "17"

    def test_a_status_is_cut_to_what_the_contract_takes(self) -> None:
        """CONTRACT: 15 information elements, names of 64 and values of 256 characters."""
        information = tuple(Information("n" * 65, f"{n:03d}" + "v" * 300) for n in range(20))
        root = reply(Outcome(Status(NO_RESULT, Code.INVALID_DATA, information)))
        names = [e.text or "" for e in root.iterfind("status/information/fieldName")]
        values = [e.text or "" for e in root.iterfind("status/information/fieldValue")]
        assert [len(n) for n in names] == [64] * 15
        assert [len(v) for v in values] == [256] * 15
        assert values[14].startswith("014v")

    def test_what_xml_cannot_hold_is_replaced(self) -> None:
        information = (Information("x", "a\0b\x0b\ud800\ufffe\U0001f600\t\n\r\u00eb"),)
        root = reply(Outcome(Status(NO_RESULT, Code.INVALID_DATA, information)))
        told = root.findtext("status/information/fieldValue")
        assert told == "a\ufffdb\ufffd\ufffd\ufffd\U0001f600\t\n\r\u00eb"

    def test_descriptions_of_funds_are_cut(self) -> None:
        fund = Fund(None, "104", tuple(Description("NL", "x" * 101) for _ in range(4)))
        file = File(FileType.CHILD_BENEFIT, date(2019, 1, 1), None, fund, None, None, (), ())
        outcome = Outcome(FOUND, None, (SourceResult(AuthenticSource.FEDERAL, FOUND, (file,)),))
        texts = [e.text or "" for e in reply(outcome).iter("description")]
        assert [len(t) for t in texts if t.startswith("x")] == [100] * 3

    def test_only_the_root_is_in_a_namespace_and_it_has_a_prefix(self) -> None:
        """SECURITY 6: gSOAP fails otherwise."""
        payload = codec.encode_outcome(QUESTION, Outcome(FOUND), CBSS)
        written = write_envelope("", write_body(payload))
        assert b"xmlns=" not in written
        root = parse(written, None)[1][0]
        assert root.prefix == "intf"
        assert all(etree.QName(e).namespace is None for e in root.iterdescendants())


@pytest.mark.parametrize("code", Code)
def test_every_code_has_words_that_fit(code: Code) -> None:
    assert 0 < len(wording.STATUS[code]) <= 256


def test_categories_in_use_have_words_in_three_languages() -> None:
    """CONTRACT: the values in use; DOMAIN 5: NL, FR, DE in this order."""
    assert set(wording.BONUSES) == {"BIRTH", "ADOPTION", "PRE_PAYMENT_BIRTH"}
    assert set(wording.PAYMENTS) == {
        *("BASIC", "SPECIAL_CARE", "ORPHAN_CARE", "FOSTER_CARE", "SOCIAL", "TODDLER"),
        *("UNIVERSAL_PARTICIPATION", "OTHER_PARTICIPATION", "CHILD_ALLOWANCE"),
    }
    for descriptions in (*wording.BONUSES.values(), *wording.PAYMENTS.values()):
        assert [d.language for d in descriptions] == ["NL", "FR", "DE"]
        assert all(0 < len(d.text) <= 100 for d in descriptions)


def concrete(root: type[errors.Fault]) -> list[type[errors.Fault]]:
    found = [root] if hasattr(root, "faultcode") else []
    return found + [c for child in root.__subclasses__() for c in concrete(child)]


class TestFault:
    def test_word_for_word(self) -> None:
        fault = errors.SchemaViolation("log", Information("criteria/ssin", "pattern"))
        written = codec.encode_fault(fault, CBSS, QUESTION)
        schemas.prove_reply(CONSULTATION, written)
        assert (
            canonical(read(written))
            == written
            == (
                f'<intf:consultFilesBySsinFault xmlns:intf="{INTF}">'
                "<informationCustomer><ticket> T 1 </ticket>"
                "<timestampSent>2024-01-31T13:00:00Z</timestampSent>"
                "<customerIdentification><cbeNumber>0206731645</cbeNumber></customerIdentification>"
                "</informationCustomer>"
                f"<informationCBSS><ticketCBSS>{UUID}</ticketCBSS>"
                "<timestampReceive>2024-01-31T12:00:00.123Z</timestampReceive>"
                "<timestampReply>2024-01-31T12:00:01.000Z</timestampReply></informationCBSS>"
                "<detail><severity>FATAL</severity><reasonCode>MSG00008</reasonCode>"
                "<diagnostic>The request is not valid against the schema of the service."
                "</diagnostic>"
                "<authorCode>https://www.ksz-bcss.fgov.be</authorCode>"
                "<information><fieldName>criteria/ssin</fieldName><fieldValue>pattern</fieldValue>"
                "</information></detail></intf:consultFilesBySsinFault>"
            )
        )

    @pytest.mark.parametrize("kind", concrete(errors.Fault))
    def test_every_fault_is_valid_and_keeps_its_reason_to_itself(
        self, kind: type[errors.Fault]
    ) -> None:
        written = read(codec.encode_fault(kind("for the log"), CBSS, None))
        schemas.validate_reply(CONSULTATION, written)
        assert oracle_accepts(written)
        assert written.find("informationCustomer") is None
        assert written.findtext("detail/reasonCode") == kind.reason_code
        assert written.findtext("detail/diagnostic") == kind.text
        assert b"for the log" not in serialise(written)

    def test_faultstrings(self) -> None:
        """DOMAIN 5: the text of a real KSZ fault."""
        internal = codec.faultstring(errors.InternalError("x"))
        assert internal == "An error occurred while servicing your request."
        assert codec.faultstring(errors.FailedCheck()) == errors.FailedCheck.text


TEXT = st.text(st.characters(), max_size=300)
SSINS = st.sampled_from([SSIN, PARENT, "12231500000", "12521500097"])
MONTHS = st.builds(YearMonth, st.integers(1900, 2999), st.integers(1, 12))
CATEGORIES = st.sampled_from([*wording.BONUSES, *wording.PAYMENTS, "_", "A" * 50])
RECIPIENTS = st.lists(SSINS, max_size=2).map(tuple)
DESCRIPTIONS = st.lists(
    st.builds(Description, st.sampled_from(["NL", "FR", "DE"]), TEXT), max_size=5
).map(tuple)
FUNDS = st.one_of(
    st.builds(Fund, st.from_regex(r"[01][0-9]{9}", fullmatch=True), st.none(), DESCRIPTIONS),
    st.builds(Fund, st.none(), st.from_regex(r"[0-9]{3}", fullmatch=True), DESCRIPTIONS),
)
MEMBERS = st.lists(
    st.builds(
        FileMember,
        SSINS,
        st.lists(st.builds(Bonus, st.dates(), CATEGORIES, RECIPIENTS), max_size=3).map(tuple),
        st.lists(
            st.builds(PaymentPeriod, MONTHS, st.none() | MONTHS, CATEGORIES, RECIPIENTS), max_size=3
        ).map(tuple),
    ),
    max_size=3,
).map(tuple)
FILES = st.lists(
    st.builds(
        File,
        st.sampled_from(FileType),
        st.dates(),
        st.none(),
        FUNDS,
        st.none() | TEXT,
        st.none() | SSINS,
        MEMBERS,
        MEMBERS,
    ),
    max_size=3,
).map(tuple)
INFORMATION = st.lists(st.builds(Information, TEXT, TEXT), max_size=20).map(tuple)


def statuses(*values: StatusValue) -> st.SearchStrategy[Status]:
    return st.builds(Status, st.sampled_from(values), st.sampled_from(Code), INFORMATION)


NO_DATA = StatusValue.NO_DATA_FOUND
OUTCOMES = st.builds(
    Outcome,
    statuses(StatusValue.DATA_FOUND, NO_DATA, NO_RESULT, StatusValue.INCOMPLETE_DATA),
    st.none() | st.builds(SsinNotice, SSINS, st.none() | SSINS, st.booleans()),
    st.lists(
        st.builds(
            SourceResult,
            st.sampled_from(AuthenticSource),
            statuses(StatusValue.DATA_FOUND, NO_DATA, StatusValue.TECHNICAL_ERROR),
            FILES,
        ),
        max_size=5,
    ).map(tuple),
)
XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=36)
QUESTIONS = st.builds(
    Question,
    st.one_of(
        st.builds(Identification, st.from_regex(r"[0-9]{10}", fullmatch=True)),
        st.builds(
            Identification,
            st.none(),
            st.integers(0, 999).map(str),
            st.integers(0, 999).map(lambda n: f" {n:05d}\n"),
        ),
    ),
    st.none() | XML_TEXT,
    st.none() | st.datetimes().map(lambda d: f"{d.isoformat()}+01:00"),
    XML_TEXT,
    SSINS,
    MONTHS.map(lambda m: f"{m}Z"),
    st.none() | MONTHS.map(str),
    st.none() | st.lists(st.sampled_from(AuthenticSource), min_size=1, max_size=5).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(QUESTIONS, OUTCOMES)
def test_a_reply_is_always_valid(question: Question, outcome: Outcome) -> None:
    root = reply(outcome, question)
    schemas.validate_reply(CONSULTATION, root)
    assert [r.get("authenticSource") for r in root.iterfind("results/*")] == [
        result.source for result in outcome.results
    ]


@settings(max_examples=10, deadline=None)
@given(QUESTIONS, OUTCOMES)
def test_the_oracle_finds_it_valid_too(question: Question, outcome: Outcome) -> None:
    assert oracle_accepts(reply(outcome, question))


@settings(max_examples=100, deadline=None)
@given(QUESTIONS)
def test_what_is_echoed_decodes_to_the_same_question(question: Question) -> None:
    root = reply(Outcome(FOUND), question)
    assert codec.decode_question(root) == question
