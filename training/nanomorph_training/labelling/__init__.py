"""Labels given by looking: a page in the browser, one micrograph after another, one key each."""
