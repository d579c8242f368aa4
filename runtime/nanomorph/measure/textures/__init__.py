"""A field as two phases: chords, local thickness, correlation, each at a scale that shows it."""
