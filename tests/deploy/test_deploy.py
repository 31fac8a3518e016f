"""What deploy/ names exists: commands, ports, paths, probes, files."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ksz_childbenefits import runtime
from ksz_childbenefits.assembly import build_cadastre
from ksz_childbenefits.cli import cadastre, serve
from ksz_childbenefits.cli.app import app
from ksz_childbenefits.config import Settings, load_settings
from ksz_childbenefits.contract.contracts import CADASTRE, CONSULTATION, INSCRIPTIONS
from ksz_childbenefits.demo import pki
from ksz_childbenefits.runtime import build_endpoints
from ksz_childbenefits.secret_files import read_secret
from ksz_childbenefits.server.door import LIVE_PATH, METRICS_PATH, READY_PATH
from tests.test_secret_files import owned

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
BINARY = "/opt/ksz-childbenefits/bin/ksz-childbenefits"


def unit(path: Path) -> dict[str, list[str]]:
    """The values of each key, whatever its section."""
    values: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            values.setdefault(key, []).append(value)
    return values


def manifests(name: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text())
    return {document["kind"]: document for document in documents}


def instruction(name: str) -> str:
    (value,) = re.findall(rf"^{name} (.+)$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    return str(value)


@pytest.fixture
def commanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Whether a command line of ours is one, up to the work itself."""
    config = tmp_path / "config.toml"
    config.touch()

    def check(arguments: Sequence[str]) -> tuple[Any, ...]:
        calls: list[tuple[Any, ...]] = []
        for command in (serve, cadastre):
            monkeypatch.setattr(command, "workers_to_come", nullcontext)
        for name in ("serve", "serve_cadastre"):
            monkeypatch.setattr(runtime, name, lambda *given: calls.append(given))
        at = arguments.index("--config") + 1
        assert Path(arguments[at]).is_absolute()
        given = [*arguments[:at], str(config), *arguments[at + 1 :]]
        result = CliRunner().invoke(app, given)
        assert result.exit_code == 0, result.output
        (call,) = calls
        return call

    return check


@pytest.mark.parametrize("instance", ["aviq", "iriscare", "opgroeien", "orint"])
@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_units_start_commands_that_exist(path: Path, instance: str, commanded: Any) -> None:
    (line,) = unit(path)["ExecStart"]
    binary, *arguments = shlex.split(line.replace("%i", instance))
    assert binary == BINARY
    called = commanded(arguments)
    if "@" in path.name:
        assert called[1].lower() == instance


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_units_reload_by_the_signal_and_stop_by_the_supervisor(path: Path) -> None:
    values = unit(path)
    assert values["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert values["KillMode"] == ["mixed"]
    assert values["User"] == ["ksz-childbenefits"]
    assert (
        f"u {values['User'][0]} " in (DEPLOY / "systemd" / "ksz-childbenefits.sysusers").read_text()
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    names = []
    for path in UNITS:
        names.append(str(tmp_path / path.name.replace("@", "@aviq")))
        Path(names[-1]).write_text(path.read_text().replace(BINARY, "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_pod_is_probed_and_named_consistently(commanded: Any) -> None:
    found = manifests("gateway.yaml")
    pod = found["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    commanded(container["args"])
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness")}
    assert {probe["path"] for probe in probes.values()} == {LIVE_PATH}
    assert container["readinessProbe"]["httpGet"]["path"] == READY_PATH
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert pod["metadata"]["annotations"]["prometheus.io/path"] == METRICS_PATH
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(ports["metrics"])
    named = {
        *(p["port"] for p in probes.values()),
        found["Service"]["spec"]["ports"][0]["targetPort"],
    }
    assert named == {"http"}
    labels = pod["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    replicas = found["Deployment"]["spec"]["replicas"]
    assert 1 < found["PodDisruptionBudget"]["spec"]["minAvailable"] < replicas
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}


def test_the_secrets_of_the_example_are_a_configuration() -> None:
    secret = manifests("secrets.example.yaml")["Secret"]
    settings = Settings.model_validate(tomllib.loads(secret["stringData"]["config.toml"]))
    deployment = manifests("gateway.yaml")["Deployment"]["spec"]["template"]["spec"]
    (container,) = deployment["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": settings.service.port, "metrics": settings.service.metrics_port}
    assert deployment["terminationGracePeriodSeconds"] >= settings.service.drain_seconds + 30
    volumes = {volume["name"]: volume for volume in deployment["volumes"]}
    assert volumes["secrets"]["secret"]["secretName"] == secret["metadata"]["name"]
    security = settings.security
    files = [security.service_key, security.service_certificate, security.pseudonym_key]
    files += [anchor.certificate for anchor in security.anchors]
    files += [path for operator in settings.operators.values() for path in operator.certificates]
    assert {"config.toml", *map(str, files)} == set(secret["stringData"])
    folders = {str(Path(str(anchor.crl)).parent) for anchor in security.anchors}
    assert folders <= {mount["mountPath"] for mount in container["volumeMounts"]}


EXAMPLES = {
    "kubernetes": lambda: manifests("secrets.example.yaml")["Secret"]["stringData"]["config.toml"],
    "gateway": (DEPLOY / "systemd" / "gateway.example.toml").read_text,
    "cadastre": (DEPLOY / "systemd" / "cadastre.example.toml").read_text,
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the files that the examples name, made as a real authority would."""
    now = datetime.now(UTC)
    authority = pki.make_authority("Authority", now)
    pki.write_certificate(tmp_path / "anchor.pem", authority.certificate)
    pki.write_secret(tmp_path / "pseudonym.key", b"random characters")
    for name in ("service", "ksz", "opgroeien", "iriscare", "aviq"):
        key = pki.rsa_key() if name == "service" else pki.ec_key()
        pki.write_certificate(tmp_path / f"{name}.pem", pki.issue(authority, key, name, now))
        if name == "service":
            pki.write_key(tmp_path / "service.key", key)
    return tmp_path


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_the_examples_of_configurations_work(installed: Path, text: Callable[[], str]) -> None:
    """Everything up to the database: in production nothing that must be said is left out."""
    config = installed / "config.toml"
    pki.write_secret(config, text().encode())
    settings = load_settings(config)
    assert settings.environment == "production"
    if settings.cadastre is None:
        contracts = [endpoint.contract for endpoint in build_endpoints(settings)]
        assert contracts == [CONSULTATION, INSCRIPTIONS]
    else:
        assert build_cadastre(settings).contract is CADASTRE


def test_the_examples_for_systemd_fit_the_units() -> None:
    """Paths that the units give the service to read and to write, and one port for each."""
    gateway, cadastre = (
        Settings.model_validate(tomllib.loads(EXAMPLES[name]())) for name in ("gateway", "cadastre")
    )
    assert cadastre.cadastre is not None
    for settings, name in ((gateway, "gateway"), (cadastre, cadastre.cadastre.operator.lower())):
        (anchor,) = settings.security.anchors
        assert Path(str(anchor.crl)).parent == Path("/var/lib/ksz-childbenefits", name)
    ports = [s.service.port for s in (gateway, cadastre)]
    ports += [s.service.metrics_port or 0 for s in (gateway, cadastre)]
    assert len(set(ports)) == 4


def test_the_image_runs_the_same(commanded: Any) -> None:
    assert json.loads(instruction("ENTRYPOINT")) == [Path(BINARY).name]
    commanded(json.loads(instruction("CMD")))
    pod = manifests("gateway.yaml")["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert json.loads(instruction("CMD")) == container["args"]
    assert instruction("EXPOSE").split() == [str(p["containerPort"]) for p in container["ports"]]
    ids = pod["securityContext"]
    assert instruction("USER") == f"{ids['runAsUser']}:{ids['runAsGroup']}"


def test_secrets_are_given_modes_that_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of root that the service's group can read: by `install`, and by the Secret's volume."""
    pod = manifests("gateway.yaml")["Deployment"]["spec"]["template"]["spec"]
    (volume,) = [v["secret"] for v in pod["volumes"] if v["name"] == "secrets"]
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
    found = re.search(
        r"install -m (\d+) -g ksz-childbenefits config", (DEPLOY / "README.md").read_text()
    )
    assert found is not None
    for mode in (volume["defaultMode"], int(found.group(1), 8)):
        assert mode & 0o040
        path = tmp_path / f"{mode:o}"
        path.write_bytes(b"secret")
        owned(path, mode, 0, monkeypatch)
        assert read_secret(path) == b"secret"
