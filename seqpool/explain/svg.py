"""The picture in a document: the same facts as an SVG that follows the reader's light or dark scheme."""

from dataclasses import dataclass, field
from typing import final
from xml.sax.saxutils import escape

from seqpool.explain.facts import Facts
from seqpool.explain.reading import example
from seqpool.explain.text import MOST_SEQUENCES, address, columns, percent, states_read, style, values, with_gaps

_LABEL, _HALF, _BOX, _ROW, _GAP, _MARGIN = 120, 34, 26, 34, 12, 24

_STYLE = """
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; }
  .title { font-weight: 700; font-size: 15px; }
  .faint { fill: #656d76; }
  .wrong { fill: #b42318; }
  .good { fill: #1a7f37; }
  .page { fill: #ffffff; stroke: #d0d7de; }
  .step { fill: #eef1f4; stroke: #c5ccd3; }
  .padding { fill: none; stroke: #c5ccd3; stroke-dasharray: 2 3; }
  .forward { fill: #0969da; stroke: #0969da; }
  .backward { fill: #bc4c00; stroke: #bc4c00; }
  .on { fill: #ffffff; font-weight: 700; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .faint { fill: #9198a1; }
    .wrong { fill: #ff8a80; }
    .good { fill: #56d364; }
    .page { fill: #0d1117; stroke: #30363d; }
    .step { fill: #21262d; stroke: #3d444d; }
    .padding { stroke: #3d444d; }
    .forward { fill: #4493f8; stroke: #4493f8; }
    .backward { fill: #f0883e; stroke: #f0883e; }
    .on { fill: #0d1117; }
  }
"""


@final
@dataclass
class _Canvas:
    """Shapes one under the other; `y` is where the next one goes."""

    y: int = _MARGIN
    width: int = 0
    shapes: list[str] = field(default_factory=list)

    def text(self, x: int, content: str, kind: str = "", anchor: str = "start") -> None:
        reach = x + int(8.0 * len(content) * {"title": 1.2}.get(kind, 1.0)) if anchor == "start" else x
        self.width = max(self.width, reach)
        place = f'x="{x}" y="{self.y + 18}" text-anchor="{anchor}"'
        self.shapes.append(f'<text {place} class="{kind}" xml:space="preserve">{escape(content)}</text>')

    def box(self, x: int, kind: str, label: str = "", width: int = _HALF) -> None:
        self.width = max(self.width, x + width)
        self.shapes.append(f'<rect x="{x}" y="{self.y}" width="{width}" height="{_BOX}" rx="4" class="{kind}"/>')
        if label:
            self.text(x + width // 2, label, "on", "middle")

    def down(self, rows: float = 1) -> None:
        self.y += int(rows * _ROW)


def draw(facts: Facts) -> str:
    """The whole picture as one SVG document."""
    canvas = _Canvas()
    _head(canvas, facts)
    _where(canvas, facts)
    _readers(canvas, facts)
    _damages(canvas, facts)
    width, height = canvas.width + _MARGIN, canvas.y + _MARGIN // 2
    title = f"Where the final states of {facts.setup.constructor()} lie in its output"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" class="page"/>',
            *canvas.shapes,
            "</svg>\n",
        ]
    )


def _head(canvas: _Canvas, facts: Facts) -> None:
    canvas.text(_MARGIN, facts.setup.constructor(), "title")
    canvas.down(0.75)
    shapes = [("output", facts.output_shape), ("h_n", facts.h_n_shape), ("c_n", facts.c_n_shape)]
    named = "   ".join(f"{name} {shape}" for name, shape in shapes if shape)
    canvas.text(_MARGIN, f"{named}   packed, torch {facts.torch_version}", "faint")
    canvas.down(1.4)


def _where(canvas: _Canvas, facts: Facts) -> None:
    names = {(c.sequence, c.step, c.half): row.index for row in facts.rows for c in row.cells}
    canvas.text(_MARGIN, "Where the rows of h_n lie in output", "title")
    canvas.down()
    canvas.text(_MARGIN, "step", "faint")
    _ruler(canvas, facts, _MARGIN + _LABEL, facts.steps)
    for b, length in list(enumerate(facts.setup.lengths))[:MOST_SEQUENCES]:
        canvas.text(_MARGIN, f"sequence {b}")
        for x, step, half in _places(facts, _MARGIN + _LABEL, facts.steps):
            index = names.get((b, step, half))
            kind = "padding" if step >= length else "step" if index is None else facts.setup.directions[half]
            canvas.box(x, kind, "" if index is None or step >= length else f"h{index}")
        canvas.down()
    halves = "each step: forward half, backward half" if facts.setup.bidirectional else "one box a step"
    canvas.text(_MARGIN + _LABEL, f"{halves}; dotted: padding", "faint")
    canvas.down(1.1)
    for row in facts.rows:
        canvas.box(_MARGIN, row.direction if row.cells else "step", width=12)
        canvas.text(_MARGIN + 22, f"h_n[{row.index}]  layer {row.layer} {row.direction}")
        where = address(row, facts) if row.cells else "in no cell of output"
        canvas.text(_MARGIN + 230, where, "" if row.cells else "wrong")
        canvas.down(0.9)
    canvas.down(0.6)


def _readers(canvas: _Canvas, facts: Facts) -> None:
    b = example(facts.setup)
    length = facts.setup.lengths[b]
    steps = tuple(step for step in facts.steps if step <= length)
    left = _MARGIN + 9 * max(len(reader.name) for reader in facts.readers)
    right = max(x for x, _, _ in _places(facts, left, steps)) + _HALF + _GAP
    canvas.text(_MARGIN, f"Which pooler reads which cells of sequence {b}, of length {length}", "title")
    canvas.down()
    canvas.text(_MARGIN, "step", "faint")
    canvas.text(right, "packed, with h_n", "faint")
    _ruler(canvas, facts, left, steps)
    for reader in facts.readers:
        canvas.text(_MARGIN, reader.name)
        for x, step, half in _places(facts, left, steps):
            read = (step, half) in reader.cells[b]
            canvas.box(x, facts.setup.directions[half] if read else "padding" if step >= length else "step")
        canvas.text(right, states_read(reader), "faint")
        canvas.down(0.88)
    canvas.down(0.6)


def _damages(canvas: _Canvas, facts: Facts) -> None:
    left, wide = _MARGIN + 200, 148
    canvas.text(_MARGIN, "What goes wrong: relative difference from the right final state (or mean)", "title")
    canvas.down()
    canvas.text(left, "packed", "faint", "end")
    canvas.text(left + 24, "not packed: the RNN runs on over the zero padding", "faint")
    canvas.down(0.75)
    for column, head in enumerate(columns(facts)):
        canvas.text(left + wide * column, head, "faint", "end")
    canvas.down(0.9)
    for damage in facts.damages[:MOST_SEQUENCES]:
        canvas.text(_MARGIN, f"sequence {damage.sequence}")
        for column, value in enumerate(values(damage)):
            canvas.text(left + wide * column, percent(value), style(value), "end")
        canvas.down(0.8)


def _ruler(canvas: _Canvas, facts: Facts, left: int, steps: tuple[int, ...]) -> None:
    for x, step, half in _places(facts, left, steps):
        if half == 0:
            canvas.text(x + _HALF * len(facts.setup.directions) // 2, str(step), "faint", "middle")
    canvas.down(0.8)


def _places(facts: Facts, left: int, steps: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Where each half of each shown step goes: (x, step, half); left-out steps leave a wider gap."""
    places, x = [], left
    for step, gap in with_gaps(steps):
        x += 2 * _GAP if gap else 0
        for half in range(len(facts.setup.directions)):
            places.append((x, step, half))
            x += _HALF
        x += _GAP
    return places
