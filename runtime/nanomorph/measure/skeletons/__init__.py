"""Skeletons of domains: thinned, as one graph of branches, pruned of spurs."""
