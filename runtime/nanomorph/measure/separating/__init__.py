"""From foreground to domains: specks and pinholes removed, touching particles cut apart, debris left out."""
