"""A simulator that speaks CARLA's wire protocol and renders our towns: an unmodified CARLA client drives it."""
