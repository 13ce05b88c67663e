"""Engines of TensorRT and its relatives: building them, running them, and what binds them to one machine.

``import tensorrt`` means NVIDIA's package everywhere, also in here: imports in this package are absolute.
"""
