import pytest
from testinfra.host import Host
from tests.appliance.facts import wait_until

DAEMONS = (
    "cocosearch-postgresql.service",
    "ollama.service",
    "cocosearch.service",
    "cocosearch-indexer.service",
)
ONESHOTS = ("cocosearch-database.service", "cocosearch-model.service", "cocosearch-token.service")
TOKEN_UNITS = ("cocosearch-token.path", "cocosearch-token-change.service")
OTHERS = (
    "cocosearch-postgresql-init.service",
    "cocosearch-postgresql-update.path",
    "cocosearch-postgresql-update.service",
    "cocosearch-resume.service",
)
OWN_UNITS = (*DAEMONS, *ONESHOTS, *TOKEN_UNITS, *OTHERS, "cocosearch.target")
LIMITED = ("cocosearch.service", "cocosearch-indexer.service")

# unit: those that it must not start without, and not before.
NEEDS = {
    "cocosearch-postgresql.service": ["cocosearch-postgresql-init.service"],
    "cocosearch-database.service": ["cocosearch-postgresql.service"],
    "cocosearch-model.service": ["ollama.service"],
    "cocosearch.service": ["cocosearch-database.service"],
    "cocosearch-indexer.service": ["cocosearch-database.service"],
}


def show(host: Host, unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit."""
    lines = host.check_output("systemctl show %s %s", unit, "--property=" + ",".join(names)).splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.usefixtures("base_url")
@pytest.mark.parametrize("unit", [*DAEMONS, *ONESHOTS, "cocosearch-token.path", "cocosearch.target"])
def test_unit_is_active(host: Host, unit: str) -> None:
    assert show(host, unit, "ActiveState") == {"ActiveState": "active"}


@pytest.mark.usefixtures("base_url")
def test_nothing_failed(host: Host) -> None:
    wait_until(lambda: host.run("systemctl is-system-running").stdout.strip() != "starting", 60, "systemd to finish its jobs")
    assert host.check_output("systemctl list-units --failed --no-legend --plain") == ""
    assert host.check_output("systemctl is-system-running") == "running"


@pytest.mark.parametrize("unit", NEEDS)
def test_unit_names_what_it_needs(host: Host, unit: str) -> None:
    properties = show(host, unit, "Requires", "After")
    for needed in NEEDS[unit]:
        assert needed in properties["Requires"].split()
        assert needed in properties["After"].split()


@pytest.mark.usefixtures("base_url")
def test_services_started_in_order(host: Host) -> None:
    """After a boot: nothing was started before all it needs was ready (a restarted service may be younger than those that need it)."""
    for unit, needed_units in NEEDS.items():
        began = int(show(host, unit, "InactiveExitTimestampMonotonic")["InactiveExitTimestampMonotonic"])
        for needed in needed_units:
            properties = show(host, needed, "ActiveEnterTimestampMonotonic", "NRestarts")
            if properties["NRestarts"] != "0" or properties["ActiveEnterTimestampMonotonic"] == "0":
                continue
            assert int(properties["ActiveEnterTimestampMonotonic"]) <= began, f"{unit} began before {needed} was ready"


def test_units_are_spelled_right(host: Host) -> None:
    """systemd ignores what it does not know, and only says so: its checker has to have nothing to say."""
    result = host.run("systemd-analyze verify " + " ".join(OWN_UNITS))
    assert result.stderr == ""
    assert result.rc == 0


@pytest.mark.parametrize("unit", DAEMONS)
def test_service_runs_as_a_user_of_its_own(host: Host, unit: str) -> None:
    assert show(host, unit, "User")["User"] not in {"", "root"}


@pytest.mark.parametrize("unit", LIMITED)
def test_service_has_limits(host: Host, unit: str) -> None:
    """As systemd has them; that the kernel keeps to those of memory needs the controller, which not every container has."""
    found = show(host, unit, "MemoryMax", "TasksMax", "LimitCORE")
    assert 0 < int(found["MemoryMax"]) < int(host.check_output("awk '/MemTotal/ { print $2 }' /proc/meminfo")) * 1024
    assert int(found["TasksMax"]) >= 1024
    assert found["LimitCORE"] == "0"


@pytest.mark.parametrize("unit", [*LIMITED, "ollama.service"])
def test_service_that_hangs_is_restarted(host: Host, unit: str) -> None:
    if show(host, unit, "Type") == {"Type": "notify"}:
        assert show(host, unit, "WatchdogUSec")["WatchdogUSec"].endswith("min")
    else:
        # Ollama's release feeds no watchdog.
        assert show(host, "ollama-probe.timer", "ActiveState") == {"ActiveState": "active"}
