"""`python -m holocron`: the command line where the `holocron` script is not on the PATH."""

from __future__ import annotations

from holocron.cli.main import main

if __name__ == "__main__":
    main()
