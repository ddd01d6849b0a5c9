"""The command line: parses, calls the rooms and renders; it decides nothing itself."""
