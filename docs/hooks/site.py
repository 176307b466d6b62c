"""What mkdocs does beside rendering Markdown: the reference, the pages at the top, links that leave the folder."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference_pages import part

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
GENERATED = re.compile(r"<!-- generated: (\w+) -->")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what stands outside docs/ and belongs to the site: the pages at the top, the example specs."""
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name.lower(), content=_mended(text, name, name.lower())))
    for path in (ROOT / "LICENSE", *sorted((ROOT / "examples").glob("*.toml"))):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Mend the links that leave docs/, and fill the pages of the reference in."""
    name = page.file.src_uri
    return GENERATED.sub(lambda mark: part(mark[1]), _mended(markdown, f"docs/{name}", name))


def _mended(text: str, source: str, page: str) -> str:
    """A text of the repository with links as they are on the site."""

    def on_the_site(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[2]))
        if not (ROOT / target).exists():
            return link[0]  # mkdocs says that it is dead
        return f"{link[1]}{posixpath.relpath(_place(target), posixpath.dirname(page) or '.')}{link[3]}"

    return LINK.sub(on_the_site, text)


def _place(file: str) -> str:
    """Where a file of the repository is on the site."""
    if file == "README.md":
        return "index.md"
    return file.lower() if file.endswith(".md") and "/" not in file else file.removeprefix("docs/")
