"""Where studies come from: folder, zip, DICOMweb server, PACS; one kind per file."""
