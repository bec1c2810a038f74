"""What each process has predicted, in files of its own, and all of it in the order of the texts."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from lightning import Callback, LightningModule, Trainer

from recipes.predict.predictor import Predictor
from recipes.training.processes import stop_others


@final
class Parts(Callback):
    """Write each chunk's rows to the file of its process, in a hidden folder that the processes share.

    Args:
        beside: Folder to make it in; the machine's temporary one by default.
    """

    def __init__(self, beside: Path | None) -> None:
        self.beside, self.folder, self.processes = beside, "", 1
        self._writer: Any = None

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, Predictor)
        if trainer.is_global_zero:
            self.folder = tempfile.mkdtemp(prefix=".predictions.", dir=self.beside)
        folder: str = trainer.strategy.broadcast(self.folder)
        self.processes = trainer.world_size
        self._writer = pa.ipc.new_file(f"{folder}/{trainer.global_rank}.arrow", pl_module.schema)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._writer.write_batch(outputs)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._writer.close()
        trainer.strategy.barrier()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        stop_others(trainer)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Every chunk's rows in the order of the texts, one chunk in memory at a time; for the first process."""
        # Pages of a memory map would stay in the process until memory is short.
        files = [pa.ipc.open_file(pa.OSFile(f"{self.folder}/{rank}.arrow")) for rank in range(self.processes)]
        for number in range(sum(file.num_record_batches for file in files)):
            # The processes took turns.
            yield files[number % self.processes].get_batch(number // self.processes)

    def remove(self) -> None:
        """Delete the files; for the first process."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
