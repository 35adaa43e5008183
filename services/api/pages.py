"""The documentation's pages as they lie in the repository: Markdown, by their path."""

import re
from pathlib import Path
from typing import NamedTuple

_FOLDERS = {"reference": "Reference", "tutorials": "Tutorials", "how-to": "How-to guides", "explanation": "Explanation"}
"""What ``llms.txt`` lists, in this order. Other folders are reached by the links of these pages."""


class Page(NamedTuple):
    """A page: its path below the folder of documentation, and its Markdown."""

    path: str
    text: str

    @property
    def title(self) -> str:
        """Its first heading."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def summary(self) -> str:
        """The first sentence below the heading, without marks and links."""
        paragraph = " ".join(self.text.split("\n\n")[1].split())
        sentence = re.split(r"(?<=\.) (?=[A-Z`])", paragraph)[0]
        return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", sentence)


def pages(folder: Path) -> dict[str, Page]:
    """Every page below ``folder``, by its path; none where the product lies without its documentation."""
    found = [(path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*.md"))]
    return {name: Page(name, path.read_text(encoding="utf-8")) for name, path in found}


def index(found: dict[str, Page], title: str, summary: str) -> str:
    """The pages as ``llms.txt`` lists them (llmstxt.org): a title, a summary, and a list of links for each folder."""
    lines = [f"# {title}", "", f"> {summary}", ""]
    for folder, heading in _FOLDERS.items():
        listed = [page for name, page in found.items() if name.startswith(f"{folder}/")]
        lines += [f"## {heading}", "", *(f"- [{page.title}](/docs/{page.path}): {page.summary}" for page in listed), ""]
    lines += [
        "## Machine-readable",
        "",
        "- [OpenAPI 3.1](/openapi.json): every call, with an example of each.",
        "- [Errors](/errors.md): every error code, each with a page that says what it means.",
        "",
    ]
    return "\n".join(lines)
