"""What a compiled kernel's machine code says: registers, spills, width of the loads, barriers in the loop."""

import importlib.util
import io
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

LOADS = re.compile(r"\bLDG\.E(?:\.\w+)*")
WIDE = {"cuda": re.compile(r"\bLDG\.E(?:\.\w+)*\.128"), "hip": re.compile(r"\b(?:global|buffer)_load_dwordx4")}
WIDE_STORES = {"cuda": re.compile(r"\bSTG\.E(?:\.\w+)*\.128"), "hip": re.compile(r"\b(?:global|buffer)_store_dwordx4")}
BARRIERS = {"cuda": re.compile(r"\bBAR\.SYNC"), "hip": re.compile(r"\bs_barrier")}
ADDRESS = re.compile(r"^\s*/\*([0-9a-f]{4,})\*/")
JUMP = re.compile(r"\bBRA\b.*? 0x([0-9a-f]+)")
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


def read(compiled: Sequence[Any], vendor: str) -> list[Listing]:
    """Read compiled kernels, all of one target."""
    return [_listing(kernel, lines, vendor) for kernel, lines in zip(compiled, _code(compiled, vendor), strict=True)]


def _listing(kernel: Any, lines: list[str], vendor: str) -> Listing:
    if vendor == "cuda":
        loop = _jumped_back(lines)
        registers, spilled = _usage(kernel.asm["cubin"])
    else:
        loop = _annotated(lines)
        code = kernel.asm["amdgcn"]
        registers = _number(r"\.vgpr_count:\s*(\d+)", code)
        spilled = _number(r"\.vgpr_spill_count:\s*(\d+)", code) + _number(
            r"\.private_segment_fixed_size:\s*(\d+)", code
        )
    return Listing(
        registers, spilled, kernel.metadata.shared,
        _count(WIDE, lines, vendor), _count(WIDE_STORES, lines, vendor), _count(INSTRUCTION, lines, vendor),
        _count(WIDE, loop, vendor), _count(BARRIERS, loop, vendor), _count(INSTRUCTION, loop, vendor),
    )  # fmt: skip  # one line a source


def _code(compiled: Sequence[Any], vendor: str) -> list[list[str]]:
    if vendor == "cuda":
        return _sass(compiled)
    return [kernel.asm["amdgcn"].splitlines() for kernel in compiled]


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
    at = {_address(line): number for number, line in enumerate(lines)}
    longest: list[str] = []
    for number, line in enumerate(lines):
        jump = JUMP.search(line)
        first = at.get(int(jump[1], 16), number) if jump else number
        body = lines[first : number + 1]
        if first < number and len(body) > len(longest) and LOADS.search("\n".join(body)):
            longest = body
    return longest


def _address(line: str) -> int:
    found = ADDRESS.match(line)
    assert found is not None, line
    return int(found[1], 16)


def _sass(compiled: Sequence[Any]) -> list[list[str]]:
    """The instructions of each kernel; all in one call, since the disassembler takes half a second to start."""
    texts = [_text(kernel.asm["cubin"]) for kernel in compiled]
    architecture = re.search(r"\.target sm_(\w+)", compiled[0].asm["ptx"])
    assert architecture is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernels"
        file.write_bytes(b"".join(texts))
        lines = _run("nvdisasm", "--binary", f"SM{architecture[1]}", file).splitlines()
    lines = [line for line in lines if ADDRESS.match(line)]
    ends = list(accumulate(map(len, texts)))
    found: list[list[str]] = [[] for _ in texts]
    kernel = 0
    for line in lines:
        kernel += _address(line) >= ends[kernel]
        found[kernel].append(line)
    return found


def _text(cubin: bytes) -> bytes:
    """The code of the one kernel in a file."""
    sections = ELFFile(io.BytesIO(cubin)).iter_sections()
    (code,) = (section.data() for section in sections if section.name.startswith(".text."))
    return bytes(code)


def _usage(cubin: bytes) -> tuple[int, int]:
    """Registers a lane, and bytes of them that spill."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        usage = _run("cuobjdump", "-res-usage", file.name)
    return _number(r"REG:(\d+)", usage), _number(r"STACK:(\d+)", usage) + _number(r"LOCAL:(\d+)", usage)


def _run(tool: str, *arguments: object) -> str:
    spec = importlib.util.find_spec("triton")
    assert spec is not None
    assert spec.origin is not None
    command = [Path(spec.origin).parent / "backends" / "nvidia" / "bin" / tool, *arguments]
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
