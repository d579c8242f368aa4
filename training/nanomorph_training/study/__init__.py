"""The few-label study: how good is an encoder with 1, 2, 4, ... labels a class, beside what a user has without it."""
