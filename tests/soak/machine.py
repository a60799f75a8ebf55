"""The machine under soak: a systemd container in which the appliance runs, reached by its container engine as root."""

import subprocess
from dataclasses import dataclass

POSTGRES_SOCKETS = "/run/cocosearch-postgresql"
SERVICES = ("cocosearch-postgresql.service", "ollama.service", "cocosearch.service", "cocosearch-indexer.service")


@dataclass(frozen=True)
class Machine:
    """A running container with the appliance."""

    engine: str
    name: str

    def run(self, *command: str) -> str:
        """Run a command as root and return what it printed.

        Raises:
            RuntimeError: it failed; the message has its last words.
        """
        return self._engine("exec", self.name, *command)

    def shell(self, script: str) -> str:
        """Run a line of shell as root."""
        return self.run("sh", "-euc", script)

    def sql(self, statement: str) -> str:
        """Run SQL as the cluster's superuser: values separated by tabs, a line for each row."""
        psql = (
            "psql",
            "--host",
            POSTGRES_SOCKETS,
            "--dbname=cocosearch",
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--field-separator=\t",
        )
        return self.run(
            *("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"), *psql, "--set=ON_ERROR_STOP=1", "--command", statement
        ).strip()

    def main_pid(self, unit: str) -> str:
        """Number of the unit's main process, `0` where there is none."""
        return self.run("systemctl", "show", "--property=MainPID", "--value", unit).strip()

    def resident_bytes(self, unit: str) -> int:
        """Memory of all processes of a unit, each shared page counted in part (PSS); 0 while none runs."""
        group = self.run("systemctl", "show", "--property=ControlGroup", "--value", unit).strip()
        # A process may end between the list and the look.
        script = f"for p in $(cat /sys/fs/cgroup{group}/cgroup.procs 2>/dev/null); do cat /proc/$p/smaps_rollup 2>/dev/null || :; done"
        return sum(int(line.split()[1]) * 1024 for line in self.shell(script).splitlines() if line.startswith("Pss:"))

    def restart(self) -> None:
        """Restart the whole machine; returns when its systemd can be asked again."""
        self._engine("restart", "--time", "60", self.name)

    def address(self, port: int) -> str:
        """Where a port of the machine is published on this host."""
        return self._engine("port", self.name, f"{port}/tcp").split()[0]

    def _engine(self, *arguments: str) -> str:
        answer = subprocess.run([self.engine, *arguments], capture_output=True, text=True, check=False)
        if answer.returncode:
            raise RuntimeError(f"'{self.engine} {' '.join(arguments)}' failed ({answer.returncode}): {answer.stderr.strip()[-1000:]}")
        return answer.stdout
