"""A PostgreSQL server of the test's own, which may be stopped as it likes.

In: PostgreSQL's programs, where this machine has them. Out: a server on loopback. Never: a server that others
use, or one that outlives its test.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: where Debian puts what it keeps off the path
_DEBIAN = Path("/usr/lib/postgresql")
_ADMIN = "holocron_admin"


def find_programs() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, or None where there is none or nobody may run them."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(_DEBIAN.glob("*/bin"), reverse=True)
    folder = next((folder for folder in folders if (folder / "initdb").exists()), None)
    return folder if folder is not None and (not _is_root() or _has_user()) else None


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _has_user() -> bool:
    import pwd

    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return False
    return True


class PostgresServer:
    """A running server."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._run(
            "initdb", "-D", str(folder / "db"), "-U", _ADMIN, "--auth=trust", "-E", "UTF8", "--locale=C"
        )
        self.start()

    @property
    def url(self) -> str:
        """Return the URL of its first database."""
        return f"postgresql://{_ADMIN}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self._control("start")

    def restart(self, mode: str) -> None:
        """Stop the server and start it again: `fast` breaks connections, `immediate` is a crash."""
        self._control("restart", "-m", mode)

    def stop(self) -> None:
        """Stop the server, where it runs."""
        if (self._folder / "db" / "postmaster.pid").exists():
            self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run(
            *("pg_ctl", "-D", str(self._folder / "db"), "-w", "-t", "120"),
            *("-l", str(self._folder / "log"), "-o", options, *words),
        )

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            # the server refuses to run as root
            user="postgres" if _is_root() else None,
        )


@contextmanager
def postgres_server(programs: Path) -> Iterator[PostgresServer]:
    """Start a server in a folder that goes with it."""
    # a test's own folder is closed to the server's user
    folder = Path(tempfile.mkdtemp(prefix="holocron-pg-"))
    try:
        if _is_root():
            shutil.chown(folder, "postgres")
        server = PostgresServer(programs, folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
