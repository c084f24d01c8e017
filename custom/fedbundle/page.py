"""The skeleton of our pages: one file, no script, nothing loaded from anywhere, light and dark, printable.

The content security policy lets in pictures that lie in the page and the one style sheet whose digest it names. Inline
styles and scripts do not run even if one got in.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from fedbundle import __version__

POLICY = "default-src 'none'; img-src data:; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"


def page(title: str, style: str, body: Iterable[str], about: Iterable[tuple[str, str]] = ()) -> str:
    """A whole page as HTML.

    Args:
        title: of the window; plain text.
        style: what this page adds to the common style sheet.
        body: parts as HTML, escaped by whoever made them.
        about: names and contents of further `<meta>` elements; plain text.
    """
    style = "\n".join([style_sheet("fedbundle", "page.css"), style])
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    metas = "\n".join(f'<meta name="{escape(name)}" content="{escape(content)}">' for name, content in about)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(style=digest)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="robots" content="noindex">',
            *([metas] if metas else []),
            f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>",
            *body,
            f"<footer>Made by fedbundle {escape(__version__)}. The page holds no script and loads nothing.</footer>",
            "</main>\n</body>\n</html>\n",
        ]
    )


def style_sheet(package: str, name: str) -> str:
    """A style sheet that lies in a package of ours."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def swatches(colors: Iterable[str]) -> str:
    """Style for the colours of segments: classes s1, s2, ... in the order given, for `<span class="swatch s1">`."""
    return "\n".join(f".s{number} {{ --swatch: {color}; }}" for number, color in enumerate(colors, start=1))


def picture(content: bytes, told: str, kind: str = "png") -> str:
    """An `<img>` with the picture in it.

    Args:
        content: of a PNG or JPEG file.
        told: what it shows, for those who cannot see it; plain text.
        kind: png or jpeg.
    """
    return f'<img alt="{escape(told)}" src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'


def table(caption: str, head: Sequence[str], body: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A table of plain texts; each row with a class."""
    columns = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    rows = "".join(
        f"<tr{f' class={kind!r}' if kind else ''}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        for kind, cells in body
    )
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
