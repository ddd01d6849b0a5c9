#!/usr/bin/env python3
"""The stand-in's server: takes connections on port 1433, says who came, and hangs up.

In: the variables of SQL Server's image. Out: a line for each connection.
Never: answers a query.
"""

from __future__ import annotations

import os
import re
import signal
import socketserver
import sys
from pathlib import Path

#: a password has characters of three of these kinds
KINDS = ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]")


class Connection(socketserver.StreamRequestHandler):
    """One client."""

    def handle(self) -> None:
        """Say who came and whether its first packet is TDS's PRELOGIN (type 0x12)."""
        packet = self.request.recv(8)
        kind = "PRELOGIN" if packet[:1] == b"\x12" else "something else"
        print(f"stand-in: {self.client_address[0]} sent {kind}", flush=True)


def main() -> None:
    """Check the variables as SQL Server does, then listen."""
    password = os.environ.get("MSSQL_SA_PASSWORD", "")
    if os.environ.get("ACCEPT_EULA") != "Y":
        sys.exit("The SQL Server End-User License Agreement (EULA) must be accepted.")
    if len(password) < 8 or sum(bool(re.search(kind, password)) for kind in KINDS) < 3:
        sys.exit("ERROR: Unable to set system administrator password: Password validation failed.")
    Path("/tmp/standin-password").write_text(password, encoding="utf-8")  # noqa: S108 - inside a container
    (Path("/var/opt/mssql") / "standin").touch()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socketserver.ThreadingTCPServer(("", 1433), Connection) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
