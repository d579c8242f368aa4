"""Self-supervised encoders, few-label heads and segmenters for electron micrographs."""
