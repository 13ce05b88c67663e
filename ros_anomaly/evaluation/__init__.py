"""Figures: streamed metrics, evaluation of the street protocols, what became of each object."""
