"""Reports: one HTML file a run with everything inside, made of a few kinds of blocks."""
