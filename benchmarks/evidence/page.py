"""One HTML file that needs no network: data, script, style and both libraries lie in it."""

import base64
from collections.abc import Sequence
from pathlib import Path

from itables.utils import read_package_file
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]  # it has no types

from benchmarks.evidence.raw import Raw
from benchmarks.evidence.section import Section

HERE = Path(__file__).parent


def page(sections: Sequence[Section], files: Sequence[Raw]) -> str:
    """The page's text; what comes from the data is escaped by the template or set as text by the script."""
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    raw = {file.name: {"columns": file.columns, "rows": file.rows, "facts": file.facts} for file in files}
    return environment.get_template("template.html").render(
        sections=sections,
        raw=raw,
        data={"sections": [section.data() for section in sections], "raw": raw},
        plotly=get_plotlyjs(),
        tables_js=base64.b64encode(read_package_file("html/dt_bundle.js").encode()).decode(),
        tables_css=read_package_file("html/dt_bundle.css"),
        css=(HERE / "page.css").read_text("utf-8"),
        js=(HERE / "page.js").read_text("utf-8"),
    )
