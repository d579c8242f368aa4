"""Commands of the extra `export`."""
