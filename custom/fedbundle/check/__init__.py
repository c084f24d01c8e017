"""Does a bundle keep its contract? One rule per file; each names file and key where it is broken."""
