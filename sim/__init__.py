"""Rendered streets, and what drives through them."""
