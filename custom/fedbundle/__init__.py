"""fedbundle: what stays at hospitals and server (DICOM, NVFlare, governance, command line)."""

__version__ = "0.1.0"
