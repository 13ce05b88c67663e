"""The model card of an engine: everything in it comes from files that commands wrote, but for its limits."""
