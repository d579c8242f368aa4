"""Synthetic electron micrographs with exact masks and the true geometry of every wire."""

from nanomorph_training.kinds import CLASSES, LABELS
from nanomorph_training.synthesis.field import SyntheticField, synthesize_field

__all__ = ["CLASSES", "LABELS", "SyntheticField", "synthesize_field"]
