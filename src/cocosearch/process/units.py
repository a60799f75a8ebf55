"""The appliance's systemd units, as far as this machine has them: a message names none that an installation lacks."""

from pathlib import Path

# systemd.unit(5), the system's unit search path as far as installations use it.
DIRECTORIES = (
    Path("/etc/systemd/system"),
    Path("/run/systemd/system"),
    Path("/usr/local/lib/systemd/system"),
    Path("/usr/lib/systemd/system"),
)


def has_unit(name: str) -> bool:
    """Whether this machine has the service `name`."""
    return any((directory / f"{name}.service").exists() for directory in DIRECTORIES)


def show_status(name: str) -> str | None:
    """The command that shows the state of the service; None where this machine does not have it."""
    return f"`systemctl status {name}`" if has_unit(name) else None


def look_or_check(name: str, variable: str) -> str:
    """What to do about a service that cannot be used, in a sentence: it may be another machine's, then the variable says which."""
    status = show_status(name)
    return f"See {status} or check {variable}." if status else f"Check {variable}, and the server that it names."
