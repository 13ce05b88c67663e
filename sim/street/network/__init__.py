"""Towns of several streets with curves and junctions, and the maps of their lanes."""
