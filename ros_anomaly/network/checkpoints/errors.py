"""What goes wrong with a checkpoint of someone else."""

from __future__ import annotations


class CheckpointImportError(ValueError):
    """A checkpoint is unreadable, unsafe to read, of another architecture, or does not fit the network it implies."""
