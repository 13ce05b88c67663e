"""Procedural towns and the objects that stand in them: what is where, with which class."""
