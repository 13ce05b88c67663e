"""Public Mask2Former checkpoints as networks of ours: files, names, shapes."""
