"""What synthetic fields show. Imports nothing: options of commands name them."""

CLASSES = ("singular", "dispersed", "network", "bundle")
TWO_PHASES = ("grid", "texture")
LABELS = (*CLASSES, "particles", *TWO_PHASES)
# Film, dirt and inscriptions, nothing else: what a microscope takes between two specimens.
EMPTY = "empty"
# No micrographs: plots, diffraction patterns, pages of text.
FOREIGN = "foreign"
DRAWN = (*LABELS, EMPTY, FOREIGN)
# Masks of wires and of two phases are one foreground however many wires cross in it; particles are told apart.
ONE_FOREGROUND = frozenset({*CLASSES, *TWO_PHASES})
