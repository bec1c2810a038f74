"""Small folders of results, made by hand; what a browser would run or draw stands in them as text."""

import csv
import math
from dataclasses import fields
from pathlib import Path

from benchmarks.accuracy.job import BASELINES
from benchmarks.accuracy.rows import Point
from benchmarks.throughput.rows import LeftOut, Results, Row
from tests.benchmarks.conftest import CASE

SCRIPT = "<script>window.planted = 1</script>"
BOLD = "<b>bold</b>"
ACCURACY = (
    "study", "dataset", "content_hash", "encoder", "pooler", "seed", "train_size", "variant", "epochs", "steps",
    "accuracy", "macro_f1", "correct_by_length", "seconds", "seconds_per_epoch", "peak_mb", "parameters", "commit",
    "torch", "lightning", "machine", "date",
)  # fmt: skip  # a table
Seeds = tuple[tuple[int, int], ...]


def accuracy_rows(
    dataset: str, pooler: str, right: Seeds, study: str = "poolers", size: int = 100, variant: str = ""
) -> list[list[str]]:
    """One row a seed, from how many of ten short and of ten long texts were right; a baseline has no encoder."""
    encoder, epochs = ("none", "0") if pooler in BASELINES else ("BiLSTM", "3")
    return [
        [
            study, dataset, "0a", encoder, pooler, str(seed), str(size), variant, epochs, "30",
            str((short + long) / 20), "0.5", f"0-10:{short}/10;10-20:{long}/10", "9", "3", "500", "1000", "c0",
            "2", "2", "one", "2026-01-01",
        ]
        for seed, (short, long) in enumerate(right)
    ]  # fmt: skip  # a table


def write_csv(path: Path, *rows: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def point(columns: list[str], **values: object) -> list[str]:
    """A row of a curve."""
    same = {
        "study": "gradients", "dataset": "trec", "content_hash": "0a", "train_size": "100", "pooler": "LastPooler",
        "measure": "vanishing ratio",
    }  # fmt: skip  # a table
    return [str({**same, **values}.get(name, "")) for name in columns]


def timed(contender: str, median: float) -> Row:
    return Row(
        "cpu", **vars(CASE), passes="forward", contender=contender, rounds=5, median_ms=median, p20_ms=0.9 * median,
        p80_ms=1.1 * median, gb_per_s=2.0, share_of_limit=0.5, copy_gb_per_s=10.0, ratio=median, ratio_p20=median,
        ratio_p80=median, peak_mb=0.1,
    )  # fmt: skip  # a table


def studies(folder: Path) -> None:
    """Two forms of one trained model at two amounts of padding, text added, padding read, and curves."""
    write_csv(
        folder / "study-mistakes.csv",
        list(ACCURACY),
        *accuracy_rows("trec", "LastPooler", ((8, 8), (9, 9)), "mistakes", 100, "form=seqpool; added=0"),
        *accuracy_rows("trec", "LastPooler", ((8, 8), (9, 9)), "mistakes", 100, "form=seqpool; added=50"),
        *accuracy_rows("trec", "LastPooler", ((8, 8), (9, 9)), "mistakes", 100, "form=output[:, -1]; added=0"),
        *accuracy_rows("trec", "LastPooler", ((2, 2), (4, 2)), "mistakes", 100, "form=output[:, -1]; added=50"),
    )
    write_csv(
        folder / "study-bias.csv",
        list(ACCURACY),
        *accuracy_rows("trec", "LastPooler", ((8, 8), (9, 9)), "bias", 100, "side=none; times=0"),
        *accuracy_rows("trec", "LastPooler", ((8, 7), (8, 8)), "bias", 100, "side=left; times=1"),
    )
    write_csv(
        folder / "study-masking.csv",
        list(ACCURACY),
        *accuracy_rows("trec", "LastPooler", ((8, 8), (9, 9)), "masking", 100),
        *accuracy_rows("trec", "LastPooler", ((6, 6), (9, 9)), "masking", 100, "padding=read"),
    )
    curves(folder)


def curves(folder: Path) -> None:
    """Ratios, one not finite once it is looked at a third time, some far apart, and norms; one seed of two goes on."""
    heads = [field.name for field in fields(Point)]
    ratios = ((0, 5, 2.0), (1, 5, 4.0), (0, 10, 1.0), (0, 15, math.inf), (1, 10, 1.0), (1, 15, 2.0))
    far = ((5, 2e20), (10, 4e-5))
    write_csv(
        folder / "study-gradients.csv",
        heads,
        *(point(heads, seed=seed, step=step, value=value) for seed, step, value in ratios),
        *(point(heads, seed=0, step=step, value=value, pooler="FirstPooler") for step, value in far),
        *(
            point(heads, measure="gradient norm", seed=seed, step=step, position=position, value=step + seed)
            for seed, steps in ((0, (0, 6, 12, 18)), (1, (0, 7, 14)))
            for step in steps
            for position in (0, 1)
        ),
    )


def small_results(folder: Path) -> Path:
    """Two datasets, one with a pooler less; times; two kernels; a study of no kind known."""
    folder.mkdir(parents=True)
    write_csv(
        folder / "accuracy.csv",
        list(ACCURACY),
        *accuracy_rows("trec", "BiConcatPooler", ((8, 6), (8, 7), (8, 6))),
        *accuracy_rows("trec", "MaskedMaxPooler", ((9, 9), (9, 10), (9, 9))),
        *accuracy_rows("trec", "MaskedMeanPooler", ((8, 6), (7, 7), (9, 7))),
        *accuracy_rows("trec", "bag of words, linear", ((8, 8),)),
        *accuracy_rows("trec", "BiConcatPooler", ((9, 9), (9, 8)), "sizes", 50),
        *accuracy_rows("trec", "BiConcatPooler", ((9, 9),), "sizes", 1000),
        *accuracy_rows(f"probe {SCRIPT}", "BiConcatPooler", ((5, 5), (6, 5))),
        *accuracy_rows(f"probe {SCRIPT}", f"MaskedMaxPooler {BOLD}", ((6, 5), (5, 5))),
    )
    studies(folder)
    left = LeftOut(**vars(CASE), passes="forward", contender="NestedTensor", reason=f"no {BOLD} backward")
    times = [timed("seqpool", 1.0), timed("textbook", 3.0)]
    Results({"device": "cpu", "torch": "2"}, times, [left], [CASE]).write(folder / "throughput-cpu.csv")
    heads = "triton,kernel,case,target,warps,registers,spilled,shared,barriers_in_loop,bytes_in_flight"
    write_csv(
        folder / "codegen.csv",
        [*heads.split(","), "instructions_a_row", "faults"],
        ["3", "total", "padded", "sm_90", "4", "48", "0", "1024", "0", "81920", "62.0", ""],
        ["3", "total", "packed", "sm_90", "4", "50", "16", "1024", "0", "65536", "60.0", f"spills {BOLD}"],
        ["3", "total", "flat odd", "sm_90", "4", "50", "0", "1024", "0", "0", "90.0", ""],
    )
    write_csv(folder / "mistakes.csv", ["mistake", "padding", "cost"], ["none | $x$", "0", "0"], ["mean", "8", "0.25"])
    return folder
