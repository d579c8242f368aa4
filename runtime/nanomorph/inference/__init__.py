"""What a bundle says of a prepared micrograph: maps and embedding, then outlines, domains, measures and labels."""
