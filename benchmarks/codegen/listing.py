"""What a compiled kernel's machine code says: registers, spills, width of the loads, barriers in the loop."""

import importlib.util
import re
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOADS = re.compile(r"\bLDG\.E(?:\.\w+)*")
WIDE = {"cuda": re.compile(r"\bLDG\.E(?:\.\w+)*\.128"), "hip": re.compile(r"\b(?:global|buffer)_load_dwordx4")}
WIDE_STORES = {"cuda": re.compile(r"\bSTG\.E(?:\.\w+)*\.128"), "hip": re.compile(r"\b(?:global|buffer)_store_dwordx4")}
BARRIERS = {"cuda": re.compile(r"\bBAR\.SYNC"), "hip": re.compile(r"\bs_barrier")}
LABEL = re.compile(r"^\s*(\.L\w+):")
JUMP = re.compile(r"\bBRA\b.*?`?\(?(\.L\w+)\)?")
BLOCK = re.compile(r"^(?:\.L(BB\w+):|; %bb\.)")
LOOP = re.compile(r"; (?:=>This Inner Loop Header:|  in Loop: Header=(BB\w+)) ")
INSTRUCTION = {"cuda": re.compile(r"^\s*/\*[0-9a-f]{4,}\*/\s+\S"), "hip": re.compile(r"^\s+[a-z]\w+")}


@dataclass(frozen=True)
class Listing:
    """The numbers of one kernel on one target; those with `loop` are of the loop over steps, if there is one."""

    registers: int
    spilled: int
    shared: int
    wide: int
    wide_stores: int
    instructions: int
    loop_wide: int
    loop_barriers: int
    loop_instructions: int


def read(compiled: Any, vendor: str) -> Listing:
    """Read a compiled kernel."""
    if vendor == "cuda":
        code, (registers, spilled) = _sass(compiled.asm["cubin"])
    else:
        code = compiled.asm["amdgcn"]
        spilled = _number(r"\.vgpr_spill_count:\s*(\d+)", code) + _number(
            r"\.private_segment_fixed_size:\s*(\d+)", code
        )
        registers = _number(r"\.vgpr_count:\s*(\d+)", code)
    lines = code.splitlines()
    loop = _jumped_back(lines) if vendor == "cuda" else _annotated(lines)
    return Listing(
        registers, spilled, compiled.metadata.shared,
        _count(WIDE, lines, vendor), _count(WIDE_STORES, lines, vendor), _count(INSTRUCTION, lines, vendor),
        _count(WIDE, loop, vendor), _count(BARRIERS, loop, vendor), _count(INSTRUCTION, loop, vendor),
    )  # fmt: skip  # one line a source


def _count(patterns: dict[str, re.Pattern[str]], lines: list[str], vendor: str) -> int:
    return sum(patterns[vendor].search(line) is not None for line in lines)


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found is not None, pattern
    return int(found[1])


def _annotated(lines: list[str]) -> list[str]:
    """The longest loop, by the comments of LLVM, which lays blocks that are not in a loop so that jumps lead back."""
    loops: dict[str, list[str]] = defaultdict(list)
    header = label = ""
    for line in lines:
        if block := BLOCK.match(line):
            header, label = "", block[1] or ""
        if inside := LOOP.search(line):
            header = inside[1] or label
        loops[header].append(line)
    del loops[""]
    return max(loops.values(), key=len, default=[])


def _jumped_back(lines: list[str]) -> list[str]:
    """The longest stretch that a jump leads back over and that loads."""
    at: dict[str, int] = {}
    longest: list[str] = []
    for number, line in enumerate(lines):
        if label := LABEL.match(line):
            at[label[1]] = number
        jump = JUMP.search(line)
        if jump and jump[1] in at:
            body = lines[at[jump[1]] : number + 1]
            if len(body) > len(longest) and LOADS.search("\n".join(body)):
                longest = body
    return longest


def _sass(cubin: bytes) -> tuple[str, tuple[int, int]]:
    spec = importlib.util.find_spec("triton")
    assert spec is not None
    assert spec.origin is not None
    tools = Path(spec.origin).parent / "backends" / "nvidia" / "bin"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(cubin)
        usage = _run(tools / "cuobjdump", "-res-usage", file)
        code = _run(tools / "nvdisasm", "-c", file)
    spilled = _number(r"STACK:(\d+)", usage) + _number(r"LOCAL:(\d+)", usage)
    return code, (_number(r"REG:(\d+)", usage), spilled)


def _run(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
