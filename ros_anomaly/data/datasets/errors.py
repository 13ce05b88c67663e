"""What can go wrong with a data set on disk."""

from __future__ import annotations


class DatasetError(ValueError):
    """A data set is not there, of another layout, incomplete, or one of its files is broken; one line that names it."""
