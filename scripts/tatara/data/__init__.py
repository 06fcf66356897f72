"""Graph, templates, pairs, subsets, test set."""
