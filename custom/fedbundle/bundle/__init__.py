"""Bundles as files: contract, digests, export."""
