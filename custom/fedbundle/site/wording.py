"""Counts as people say them."""


def many(count: int, one: str, several: str = "") -> str:
    """The count with the words for one or for several; without `several`, an s is added to `one`."""
    return f"{count} {one if count == 1 else several or f'{one}s'}"
