"""Engines: contract, manifest, one module a backend, and the worker process that runs them."""
