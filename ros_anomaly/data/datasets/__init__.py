"""Readers of labelled data sets, one module a layout; ``registry`` opens them by name. Each is a ``FrameSource``."""
