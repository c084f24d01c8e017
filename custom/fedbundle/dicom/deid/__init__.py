"""What tells who a patient is: found, removed, replaced by keyed pseudonyms, and searched for in the end."""
