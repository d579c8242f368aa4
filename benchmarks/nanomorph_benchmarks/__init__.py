"""Benchmarks: accuracy and throughput of nanomorph beside what a user would use instead."""
