"""Programs of `torch.export`, as they are and compiled ahead of time."""

from pathlib import Path
from typing import Any, final

import torch
from torch._inductor.cpp_builder import get_cpp_compiler
from torch._inductor.exc import InvalidCxxCompiler

from recipes.export.formats import Format, Run
from recipes.export.scorer import Scorer


def exported(scorer: Scorer) -> torch.export.ExportedProgram:
    """The program: any number of texts; of steps, too, where no recurrent network holds it."""
    rows = torch.export.Dim("rows")
    steps: dict[int, Any] = {} if scorer.recurrent else {1: torch.export.Dim.AUTO}
    return torch.export.export(scorer, scorer.example(), dynamic_shapes=({0: rows} | steps, {0: rows}))


def held_steps(scorer: Scorer) -> int | None:
    """The number of steps that a program of a recurrent network holds."""
    return scorer.max_tokens if scorer.recurrent else None


@final
class Program(Format):
    """A program that `torch.export.load` reads."""

    file = "model.pt2"

    def write(self, scorer: Scorer, path: Path) -> None:
        torch.export.save(exported(scorer), path)

    def load(self, scorer: Scorer, path: Path) -> Run:
        run: Run = torch.export.load(path).module()
        return run

    def steps(self, scorer: Scorer) -> int | None:
        return held_steps(scorer)


@final
class Compiled(Format):
    """A package of AOTInductor: machine code for this kind of processor."""

    file = "model.aoti.pt2"

    def refusal(self, scorer: Scorer) -> str | None:
        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            return "AOTInductor needs a C++ compiler, and none is found: install g++ or clang++, or set CXX"
        return None

    def write(self, scorer: Scorer, path: Path) -> None:
        torch._inductor.aoti_compile_and_package(exported(scorer), package_path=str(path))

    def load(self, scorer: Scorer, path: Path) -> Run:
        run: Run = torch._inductor.aoti_load_package(str(path))
        return run

    def steps(self, scorer: Scorer) -> int | None:
        return held_steps(scorer)
