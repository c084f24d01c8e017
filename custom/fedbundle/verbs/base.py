"""What a verb is: a dataclass whose fields are its arguments and whose `run` does the work and tells of it."""

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class Outcome:
    """What a verb tells: `text` for people, `data` for machines, `code` for the shell."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    code: int = 0


@dataclass(frozen=True, kw_only=True)
class Verb(ABC):
    """Base of all verbs."""

    role: ClassVar[str]

    json: bool = False
    """Print one JSON object instead of text."""

    done: dict[str, Any] = field(default_factory=dict, init=False)
    """What has been done for good; machines are told of it however the work ends."""

    @abstractmethod
    def run(self) -> Outcome:
        """Do the work."""


@dataclass(frozen=True, kw_only=True)
class SiteVerb(Verb):
    """A verb that works on a site home."""

    site: Path | None = None
    """Site home; default: the environment variable FEDBUNDLE_SITE."""

    def home(self) -> Any:
        """Open the site home."""
        from fedbundle.site.home import SiteHome

        return SiteHome.open(self.site)


def say(text: str) -> None:
    """Print at once: what was told must not be lost when what follows fails."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
