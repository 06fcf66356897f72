"""The paper's numbers recomputed from its other numbers (resources/paper): a module for each part of the paper."""
