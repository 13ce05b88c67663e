"""Tests on a real graph."""

from graph_fixtures import detector, domain, engine, rig

__all__ = ["detector", "domain", "engine", "rig"]
