"""Heads: what one is, how it is learned from embeddings and descriptors, and what it is unsure of. No torch here."""
