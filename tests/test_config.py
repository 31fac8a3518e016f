"""The configuration: checked at once, frozen, and without a way to switch a limit off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from ksz_childbenefits.config import LimitSettings, load_settings
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import ConfigurationError

MINIMAL = """\
environment = "production"
[security]
service_key = "keys/service.key"
service_certificate = "/etc/ksz/service.pem"
pseudonym_key = "keys/pseudonym.key"
anchors = [{ certificate = "ca.pem", crl = "ca.crl" }, { certificate = "old.pem", crl = false }]
"""

TLS = '[service]\ntls_certificate = "tls.pem"\ntls_key = "tls.key"\n'

NEXT = """
[[security.next_service_keys]]
key = "next.p12"
passphrase = { file = "next.pass" }
sign_from = 2027-01-01T00:00:00+01:00
"""

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_paths_are_relative_to_the_file(written: Written, tmp_path: Path) -> None:
    settings = load_settings(written(MINIMAL))
    assert settings.security.service_key == tmp_path / "keys" / "service.key"
    assert settings.security.service_certificate == Path("/etc/ksz/service.pem")
    first, second = settings.security.anchors
    assert (first.certificate, first.crl) == (tmp_path / "ca.pem", tmp_path / "ca.crl")
    assert second.crl is False
    assert settings.database.url == f"sqlite:///{tmp_path / 'registers.sqlite'}"


@pytest.mark.parametrize("url", ["sqlite:////var/ksz.sqlite", "postgresql://ksz@db/registers"])
def test_an_address_of_a_database_that_is_whole_stays(written: Written, url: str) -> None:
    settings = load_settings(written(f'{MINIMAL}[database]\nurl = "{url}"\n'))
    assert settings.database.url == url


def test_the_defaults_are_those_of_security(written: Written) -> None:
    """SECURITY 1 to 3, number by number."""
    settings = load_settings(written(MINIMAL))
    limits, security = settings.limits, settings.security
    assert (limits.request_bytes, limits.read_seconds, limits.idle_seconds) == (262144, 10, 30)
    assert (limits.xml_depth, limits.xml_elements, limits.xml_attributes) == (64, 5000, 64)
    assert (security.max_age_seconds, security.max_ahead_seconds) == (300, 60)
    assert security.max_references == 8


@pytest.mark.parametrize("name", LimitSettings.model_fields)
def test_no_limit_can_be_switched_off(written: Written, name: str) -> None:
    for value in ("0", "-1", "false", "nan", '"none"'):
        with pytest.raises(ConfigurationError, match=rf"limits\.{name}: "):
            load_settings(written(f"{MINIMAL}[limits]\n{name} = {value}\n"))


@pytest.mark.parametrize("field", ["per_second", "burst"])
@pytest.mark.parametrize("name", ["rate", "rates.fedris"])
def test_no_rate_can_be_switched_off(written: Written, name: str, field: str) -> None:
    for value in ("0", "-1", "inf", "nan"):
        with pytest.raises(ConfigurationError, match=rf"limits\.{name}\.{field}: "):
            load_settings(written(f"{MINIMAL}[limits.{name}]\n{field} = {value}\n"))


def test_a_customer_can_have_a_rate_of_its_own(written: Written) -> None:
    limits = load_settings(written(f"{MINIMAL}[limits.rates.pod-mi]\nper_second = 0.5\n")).limits
    assert (limits.rate.per_second, limits.rate.burst) == (100, 1000)
    assert (limits.rates["pod-mi"].per_second, limits.rates["pod-mi"].burst) == (0.5, 1000)


@pytest.mark.parametrize("name", ["max_age_seconds", "max_ahead_seconds", "max_references"])
def test_no_bound_of_a_signature_can_be_switched_off(written: Written, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"security\.{name}: "):
        load_settings(written(f"{MINIMAL}{name} = 0\n"))


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        ('[demo]\nfailing_cadastres = ["AVIQ"]\n', r"\[demo\] is refused in production"),
        ('[demo]\nauthority_key = "a.key"\n', r"\[demo\] is refused in production"),
        ('[demo]\nfailing_cadastres = ["FAMIFED"]\n', r"demo\.failing_cadastres"),
        ('[database]\nembedded_cadastres = ["FAMIFED"]\n', r"database\.embedded_cadastres"),
        ('[service]\ntls_key = "a.key"\n', "tls_certificate and tls_key go together"),
        (TLS.replace("tls_key", "tls_kye"), "tls_kye"),
        ('[service]\ntls_client_authority = "ca.pem"\n', "need tls_key"),
        ('[service]\ntls_passphrase = { env = "X" }\n', "need tls_key"),
        (TLS + "tls_passphrase = {}\n", "either file or env"),
        (TLS + 'tls_passphrase = { env = "" }\n', "tls_passphrase"),
        (TLS + 'tls_passphrase = { env = "X", file = "y" }\n', "either file or env"),
        (TLS + 'tls_passphrase = "secret"\n', "tls_passphrase"),
        ('service_passphrase = "secret"\n', "service_passphrase"),
        ("[revocation]\nlist_bytes = 0\n", r"revocation\.list_bytes"),
        ("[revocation]\ndeadline_seconds = 0\n", r"revocation\.deadline_seconds"),
        ("[revocation]\nfetch_seconds = 0\n", r"revocation\.fetch_seconds"),
        ('[remote]\ntls_key = "a.key"\n', "tls_certificate and tls_key go together"),
        ('[remote]\ntls_passphrase = { env = "X" }\n', "tls_passphrase needs tls_key"),
        (
            '[operators.AVIQ]\nurl = "http://a/"\ncertificates = ["a"]\ntls_authority = "b"\n',
            "needs an url of https",
        ),
        (NEXT.replace("sign_from", "from"), "sign_from"),
        (NEXT.replace("+01:00", ""), "sign_from"),
        ("[service]\nprot = 8080\n", r"service\.prot: "),
        ("[service]\nworkers = 0\n", r"service\.workers: "),
        ("[service\n", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(written: Written, added: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load_settings(written(MINIMAL + added))


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('"production"', '"test"', "environment"),
        ('crl = "ca.crl"', "crl = true", "anchors"),
        (', crl = "ca.crl"', "", "anchors"),
        ("anchors =", "authorities =", "anchors"),
    ],
)
def test_what_must_be_said_is_asked_for(
    written: Written, before: str, after: str, key: str
) -> None:
    with pytest.raises(ConfigurationError, match=key):
        load_settings(written(MINIMAL.replace(before, after)))


def test_it_is_frozen(written: Written) -> None:
    settings = load_settings(written(MINIMAL))
    with pytest.raises(ValidationError, match="frozen"):
        settings.limits.threads = 1


AVIQ = """
[operators]
AVIQ = { url = "https://aviq.test/consult", certificates = ["aviq.pem", "/etc/new.pem"] }
"""


def test_operators_elsewhere_are_read_with_paths_relative_to_the_file(
    written: Written, tmp_path: Path
) -> None:
    settings = load_settings(written(f"{MINIMAL}[limits]\nthreads = 64\n{AVIQ}"))
    (operator,) = settings.operators.values()
    assert operator.certificates == (tmp_path / "aviq.pem", Path("/etc/new.pem"))
    assert settings.remote.deadline_seconds == 2


def test_one_slow_operator_cannot_be_given_all_threads(written: Written) -> None:
    with pytest.raises(ConfigurationError, match=r"limits\.threads must be more"):
        load_settings(written(f"{MINIMAL}[limits]\nthreads = 32\n{AVIQ}"))
    text = f"{MINIMAL}[limits]\nthreads = 8\n[remote]\nparallel_calls = 7\n{AVIQ}"
    assert load_settings(written(text)).remote.parallel_calls == 7


def test_an_operator_is_elsewhere_or_in_the_database_and_not_both(written: Written) -> None:
    embedded = '[database]\nembedded_cadastres = ["ORINT", "{}"]\n[limits]\nthreads = 64\n'
    settings = load_settings(written(MINIMAL + embedded.format("Iriscare") + AVIQ))
    assert settings.database.embedded_cadastres == {Operator.ORINT, Operator.IRISCARE}
    assert settings.database.url.endswith("registers.sqlite")
    with pytest.raises(ConfigurationError, match=r"AVIQ .*embedded_cadastres"):
        load_settings(written(MINIMAL + embedded.format("AVIQ") + AVIQ))


def test_the_keys_that_come_next_are_read_with_paths_relative_to_the_file(
    written: Written, tmp_path: Path
) -> None:
    (one,) = load_settings(written(MINIMAL + NEXT)).security.next_service_keys
    assert (one.key, one.certificate) == (tmp_path / "next.p12", None)
    assert one.passphrase is not None
    assert one.passphrase.file == tmp_path / "next.pass"
    assert one.sign_from == datetime(2026, 12, 31, 23, tzinfo=UTC)


def test_a_list_is_in_a_file_or_at_an_address(written: Written, tmp_path: Path) -> None:
    fetched = MINIMAL.replace('"ca.crl"', '"http://crl.test/ca.crl"')
    with pytest.raises(ConfigurationError, match=r"revocation\.cache must name a folder"):
        load_settings(written(fetched))
    settings = load_settings(written(f'{fetched}[revocation]\ncache = "lists"\n'))
    assert settings.security.anchors[0].crl == "http://crl.test/ca.crl"
    assert settings.revocation.cache == tmp_path / "lists"
    for odd in ("ldap://crl.test/ca.crl", "HTTP://crl.test/", "file:///ca.crl"):
        with pytest.raises(ConfigurationError, match="begins with http"):
            load_settings(written(MINIMAL.replace('"ca.crl"', f'"{odd}"')))


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://ksz:s3cret@db/registers", True),
        ("postgresql://ksz@db/registers?password=s3cret", True),
        ("postgresql://ksz@db/registers?sslpassword=s3cret", True),
        ("postgresql://ksz@db/registers?sslmode=verify-full", False),
        ("sqlite:///registers.sqlite", False),
    ],
)
def test_with_the_databases_password_the_file_is_a_secret(
    written: Written, url: str, secret: bool
) -> None:
    path = written(f'{MINIMAL}[database]\nurl = "{url}"\n')
    path.chmod(0o644)
    if secret:
        with pytest.raises(ConfigurationError, match="others can read"):
            load_settings(path)
    else:
        assert load_settings(path)
    path.chmod(0o600)
    assert load_settings(path)
