"""Wires: crossings resolved, lengths along smoothed paths, widths, bending; how they are ordered in a field."""
