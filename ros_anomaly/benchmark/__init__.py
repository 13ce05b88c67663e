"""Measuring side by side: contenders in processes of their own, interleaved rounds, figures that name their machine."""
