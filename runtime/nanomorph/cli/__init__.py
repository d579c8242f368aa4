"""The command line: `nanomorph COMMAND`."""
