"""What is learned from: folders, archives and lists as samples, masks as targets, both decoded once, cut to windows."""
