"""Drives as pictures and videos: a frame with what was found and what is there, contact sheets, H.264 files."""
