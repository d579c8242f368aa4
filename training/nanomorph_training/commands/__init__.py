"""Commands of `nanomorph` that need the extra `training`."""
