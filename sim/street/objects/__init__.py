"""The object catalogue: which models exist, which split each belongs to, and how they are read."""
