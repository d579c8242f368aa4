"""One output folder: inputs go through the stages, what becomes of each is in the journal, tables and report follow."""
