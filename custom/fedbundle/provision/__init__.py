"""From sites/*.yml to startup kits with our policies."""
