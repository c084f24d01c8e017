"""The federation: what NVFlare runs for us."""
