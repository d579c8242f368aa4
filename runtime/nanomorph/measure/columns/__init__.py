"""What every measured column means: name, unit, formula and source, in CSV order."""
