"""What the kernels' machine code says, as a section of the page and as lines of the report."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.evidence.markdown import linked, table
from benchmarks.evidence.raw import Raw, Source
from benchmarks.evidence.section import Choice, Column, Line, Number, Section, seen

MODEL = "A model read off compiled machine code, not a measurement: what a kernel asks of a GPU, not how long it takes."
UNEVEN = (
    "Bytes in flight are those of 16-byte loads; "
    "rows whose pitch is no multiple of 16 bytes have none, and no say here."
)
TEXTS = ("kernel", "case", "target", "faults", "triton")


def sections(files: Sequence[Raw]) -> Iterator[Section]:
    """Registers, spills, bytes in flight of every kernel, case and target."""
    if not files:
        return
    columns = dict.fromkeys(name for file in files for name in file.columns)
    names = [*TEXTS[:3], *(name for name in columns if name not in TEXTS), *TEXTS[3:]]
    lines = [_line(file, names, number, record) for file in files for number, record in enumerate(file.records(), 1)]
    kernel, case, target = range(3)
    heads = [Column(name.replace("_", " "), text=name in TEXTS) for name in names]
    choices = [Choice(index, sorted(seen(lines, index))) for index in (kernel, case, target)]
    choices[2] = Choice(target, choices[2].values, choices[2].values[0])
    yield Section(
        "codegen", "Machine code", heads, lines, choices, (kernel, case, target), names.index("bytes_in_flight"),
        "not read", notes=(MODEL, UNEVEN),
    )  # fmt: skip  # a table


def _line(file: Raw, names: Sequence[str], number: int, record: dict[str, str]) -> Line:
    source = Source(file.name, (number,))
    return tuple(record.get(name, "") if name in TEXTS else Number(float(record[name]), source) for name in names)


def report(files: Sequence[Raw]) -> Iterator[str]:
    """One row a kernel and target: the worst of its cases."""
    yield from ("## Machine code", "", MODEL, "")
    if not files:
        yield from ("Not read: there is no codegen CSV among the results.", "")
    for file in files:
        yield from (f"From {linked(file)}, the worst of each kernel's cases. {UNEVEN}", "")
        yield from table(
            ("kernel", "target", "cases", "registers, most", "spilled, most", "bytes in flight, least", "faults"),
            _worst(file),
        )
        yield ""


def _worst(file: Raw) -> Iterator[Sequence[str]]:
    def key(record: dict[str, str]) -> tuple[str, str]:
        return record["kernel"], record["target"]

    for (kernel, target), group in groupby(sorted(file.records(), key=key), key):
        found = list(group)
        registers, spilled = (max(int(one[name]) for one in found) for name in ("registers", "spilled"))
        flying = [number for one in found if (number := int(one["bytes_in_flight"]))]
        faults = sum(bool(one["faults"]) for one in found)
        least = f"{min(flying):,}" if flying else "none"
        yield (kernel, target, str(len(found)), str(registers), str(spilled), least, str(faults))
