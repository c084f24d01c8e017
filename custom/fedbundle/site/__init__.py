"""What a hospital owns and decides."""
