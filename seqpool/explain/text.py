"""The picture in the terminal: lines of styled spans, which any terminal can show plain."""

from typing import Literal, NamedTuple

from seqpool.explain.facts import Damage, Facts, StateRow, listed, span
from seqpool.explain.reading import Reader, example

Style = Literal["plain", "title", "forward", "backward", "faint", "good", "wrong"]


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    style: Style = "plain"


Line = list[Span]

_HALVES: tuple[Style, Style] = ("forward", "backward")
MOST_SEQUENCES = 12
_ROUNDING = 1e-4


def picture(facts: Facts) -> list[Line]:
    """The whole picture, line by line."""
    parts = [_head(facts), _where(facts), _rows(facts), _readers(facts), _damages(facts), _claims(facts)]
    return [line for part in parts for line in [*part, []]][:-1]


def _head(facts: Facts) -> list[Line]:
    setup = facts.setup
    halves = ", forward half then backward half" if setup.bidirectional else ""
    shapes = [
        ("output", facts.output_shape, f"every step of the last layer{halves}"),
        ("h_n", facts.h_n_shape, "the last step of every layer and direction"),
        ("c_n", facts.c_n_shape, "the cell state there; in no cell of output"),
    ]
    return [
        [Span(setup.constructor(), "title")],
        [
            Span(
                f"packed batch of lengths {listed(setup.lengths)}; seed {setup.seed}, torch {facts.torch_version}",
                "faint",
            )
        ],
        [],
        *([Span(f"{name:<8}", "title"), Span(f"{shape!s:<16}{text}")] for name, shape, text in shapes if shape),
    ]


def _where(facts: Facts) -> list[Line]:
    setup, width = facts.setup, len(f"h{len(facts.rows) - 1}")
    names = {(c.sequence, c.step, c.half): f"h{row.index}" for row in facts.rows for c in row.cells}
    lines = [_title("Where the rows of h_n lie in output"), _ruler("step", 14, facts.steps, _cell_width(facts, width))]
    for b, length in list(enumerate(setup.lengths))[:MOST_SEQUENCES]:
        line = [Span(f"{f'sequence {b}':<14}")]
        for step, gap in with_gaps(facts.steps):
            line.append(Span("…  " if gap else "", "faint"))
            for half in range(len(setup.directions)):
                if step >= length:
                    line.append(Span("░" * width + " ", "faint"))
                else:
                    name = names.get((b, step, half))
                    line.append(Span(f"{name or '·' * width:<{width}} ", _HALVES[half] if name else "faint"))
            line.append(Span("  "))
        lines.append(line)
    more = len(setup.lengths) - MOST_SEQUENCES
    if more > 0:
        lines.append([Span(f"… and {more} more", "faint")])
    return [*lines, [Span(f"{'':<14}{'·' * width} a step of one direction   {'░' * width} padding", "faint")]]


def _rows(facts: Facts) -> list[Line]:
    return [
        [
            Span(f"{f'h_n[{row.index}]':<9}"),
            Span(f"layer {row.layer} {row.direction:<8}  ", _style_of(row, facts)),
            Span(address(row, facts)) if row.cells else Span("in no cell of output", "wrong"),
        ]
        for row in facts.rows
    ]


def _style_of(row: StateRow, facts: Facts) -> Style:
    return _HALVES[facts.setup.directions.index(row.direction)] if row.cells else "faint"


def address(row: StateRow, facts: Facts) -> str:
    """A row of `h_n` as one would index `output` for sequence b."""
    setup = facts.setup
    step = "length[b] - 1" if row.direction == "forward" else "0"
    columns = {True: f":{setup.width}", False: f"{setup.width}:"}[row.direction == "forward"]
    where = f"b, {step}" if setup.batch_first else f"{step}, b"
    return f"= output[{where}, {columns if setup.bidirectional else ':'}]"


def _readers(facts: Facts) -> list[Line]:
    setup = facts.setup
    b = example(setup)
    length = setup.lengths[b]
    steps = tuple(step for step in facts.steps if step <= length)
    label = max(len(reader.name) for reader in facts.readers) + 2
    lines = [
        _title(f"Which pooler reads which cells of sequence {b} (NaN put into one at a time)"),
        [*_ruler("step", label, steps, _cell_width(facts, 2)), Span("packed, with h_n", "faint")],
    ]
    for reader in facts.readers:
        line = [Span(f"{reader.name:<{label}}")]
        for step, gap in with_gaps(steps):
            line.append(Span("…  " if gap else "", "faint"))
            for half in range(len(setup.directions)):
                read = (step, half) in reader.cells[b]
                empty = "░░ " if step >= length else "·· "
                line.append(Span("██ ", _HALVES[half]) if read else Span(empty, "faint"))
            line.append(Span("  "))
        lines.append([*line, Span(states_read(reader))])
    return lines


def states_read(reader: Reader) -> str:
    """What a pooler reads where the batch came packed, with its states."""
    if not reader.h_n and not reader.c_n:
        return "the same cells"
    return ", ".join(span(name, rows) for name, rows in (("h_n", reader.h_n), ("c_n", reader.c_n)) if rows)


def _damages(facts: Facts) -> list[Line]:
    lines = [
        _title("What goes wrong, as the relative difference from the right final state (or mean)"),
        [Span(f"{'':<18}{'packed':>15}   not packed: the RNN runs on over the zero padding", "faint")],
        [Span(f"{'sequence':<10}{'length':>8}" + "".join(f"{head:>17}" for head in columns(facts))[2:], "faint")],
    ]
    for damage in facts.damages[:MOST_SEQUENCES]:
        first, *others = (Span(f"{percent(value):>17}", style(value)) for value in values(damage))
        lines.append([Span(f"{damage.sequence:<10}{damage.length:>8}"), first._replace(text=first.text[2:]), *others])
    return lines


def columns(facts: Facts) -> list[str]:
    """What each difference is about: the step taken for the final state, the states themselves, the mean."""
    last, states = facts.setup.step(-1), facts.rows[-len(facts.setup.directions) :]
    return [last, last, *(f"{row.direction} h_n[{row.index}]" for row in states), "mean of steps"]


def style(value: float) -> Style:
    """Whether a difference is more than rounding."""
    return "wrong" if value > _ROUNDING else "good"


def values(damage: Damage) -> list[float]:
    """The differences in the order that both pictures show them."""
    both = [damage.packed_last_step, damage.unpacked_last_step, damage.unpacked_forward]
    backward = [] if damage.unpacked_backward is None else [damage.unpacked_backward]
    return [*both, *backward, damage.unpacked_mean]


def percent(value: float) -> str:
    """A relative difference; 0 where only rounding differs."""
    return "0" if value <= _ROUNDING else f"{100 * value:.1f}%"


def _claims(facts: Facts) -> list[Line]:
    marks: dict[bool, Span] = {True: Span("✓ ", "good"), False: Span("✗ ", "wrong")}
    return [_title("Checked on these tensors"), *([marks[claim.holds], Span(claim.text)] for claim in facts.claims)]


def _title(text: str) -> Line:
    return [Span(text, "title")]


def _cell_width(facts: Facts, width: int) -> int:
    return (width + 1) * len(facts.setup.directions) + 2


def _ruler(name: str, label: int, steps: tuple[int, ...], width: int) -> Line:
    marks = "".join(f"{'   ' if gap else ''}{step:<{width}}" for step, gap in with_gaps(steps))
    return [Span(f"{name:<{label}}{marks}", "faint")]


def with_gaps(steps: tuple[int, ...]) -> list[tuple[int, bool]]:
    """Each shown step, and whether steps before it are left out."""
    return [(step, i > 0 and step != steps[i - 1] + 1) for i, step in enumerate(steps)]
