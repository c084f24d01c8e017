"""fedblocks: what travels inside every exported bundle; imports torch, monai and numpy, nothing else."""
