"""Whether a series can be trusted as one volume, and which role of a bundle it plays."""
