"""The command line: thin commands over `neurarium.api`."""
