"""A training run: its length, its devices, its folder, and how it goes on where it was stopped."""
