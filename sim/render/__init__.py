"""Renderer of street scenes: colour, class ids, instance ids and depth in one pass, and a camera sensor model."""
