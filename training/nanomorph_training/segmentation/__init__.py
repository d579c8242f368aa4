"""Fitting a segmenter on masks: settings, steps, split, and the run from files to a folder."""
