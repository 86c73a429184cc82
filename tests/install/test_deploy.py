"""The examples in deploy/ are ones that their programs take."""

import json
import re
import shutil
import stat
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from shopforum.cli.check_fusionauth import NEEDED, OPTIONAL

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_units() -> None:
    assert len(UNITS) == 2
    done = subprocess.run(["systemd-analyze", "verify", *UNITS], capture_output=True, text=True, check=False)
    # The programs that the units start are not installed here.
    wrong = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert wrong == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_each_secret_is_a_credential_that_the_unit_names(unit: Path) -> None:
    text = unit.read_text()
    loaded = set(re.findall(r"^LoadCredential=(\w+):", text, re.MULTILINE))
    assert loaded == set(re.findall(r"^Environment=SHOPFORUM_\w+_FILE=%d/(\w+)$", text, re.MULTILINE))
    assert {f"SHOPFORUM_{name.upper()}_FILE" for name in loaded} <= set(re.findall(r"SHOPFORUM_\w+", text))


def test_the_units_wait_longer_than_the_server_takes_to_end() -> None:
    server = ConfigParser(interpolation=None)
    server.read(DEPLOY.parent / "production.ini")
    seconds = sum(int(server["server:main"][key]) for key in ("leave_seconds", "drain_seconds"))
    for unit in UNITS:
        found = re.search(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE)
        assert found
        assert int(found[1]) > seconds


def test_a_server_serves_until_the_balancer_has_noticed_that_it_leaves() -> None:
    """With checks that are rarer, haproxy went on sending requests to a process that was gone."""
    server = ConfigParser(interpolation=None)
    server.read(DEPLOY.parent / "production.ini")
    sites = (DEPLOY / "haproxy.cfg").read_text().partition("backend shopforum")[2]
    found = re.search(r"default-server check inter (\d+)s fall (\d+)", sites)
    assert found
    # A second more, for the answers.
    assert int(found[1]) * int(found[2]) + 1 < int(server["server:main"]["leave_seconds"])


def test_the_sites_key_of_the_kickstart_has_the_rights_that_check_asks_for() -> None:
    kickstart = json.loads((DEPLOY / "fusionauth" / "kickstart.json").read_text())
    setup, sites = kickstart["apiKeys"]
    assert "permissions" not in setup
    rights = {f"{m} {path}" for path, methods in sites["permissions"]["endpoints"].items() for m in methods}
    # The last ones where the settings turn on codes by mail, passkeys and webhooks.
    assert rights == {name for name, *_ in (*NEEDED, *OPTIONAL)} | {"GET /api/webhook"}
    compose = (DEPLOY / "fusionauth" / "compose.yaml").read_text()
    for name in re.findall(r"#\{ENV\.(\w+)\}", json.dumps(kickstart)):
        assert f"{name}: ${{{name}:?}}" in compose
    assert list(yaml.safe_load(compose)["services"]["fusionauth"]["ports"]) == ["127.0.0.1:9011:9011"]


def test_the_backup_script_is_one() -> None:
    script = DEPLOY / "backup.sh"
    assert script.stat().st_mode & stat.S_IXUSR
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not here")
def test_the_alerts_fire_when_they_should(tmp_path: Path) -> None:
    rules, tests = DEPLOY / "prometheus-rules.yaml", Path(__file__).with_name("alerts.yaml")
    alerts = len(re.findall(r"^ +- alert: ", rules.read_text(), re.MULTILINE))
    text = tests.read_text().replace("../../deploy/prometheus-rules.yaml", str(rules))
    (tmp_path / "alerts.yaml").write_text(text.replace("ALERTS_IN_ALL", str(alerts)))
    for command in (["check", "rules", rules], ["test", "rules", tmp_path / "alerts.yaml"]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_containerfile_names_what_is_there() -> None:
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    known = {
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "RUN",
        "STOPSIGNAL",
    }
    assert {line[0] for line in lines} <= known | {"USER", "VOLUME", "WORKDIR"}
    assert lines[0][0] in ("ARG", "FROM")
    copied = [one for line in lines if line[0] == "COPY" and "--from" not in line[1] for one in line[1:-1]]
    assert copied
    for one in copied:
        assert one.startswith("--") or (DEPLOY.parent / one).exists(), one
