"""Mask2Former with an outlier class: backbone, pixel decoder, weights and export."""
