"""Python of the bundle."""
