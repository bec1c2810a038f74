"""The promises about accelerators, kept on a fake one: no wait for the device, no mixed devices.

PyTorch's private interface to such a device stays in this file. Its tensors have shapes and devices and no values, so
whatever would read a value on the host raises, and so does a CPU tensor beside one of the accelerator's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

from tests.contract.discovery import Case
from tests.contract.layouts import Layout
from tests.contract.rows import row
from tests.contract.running import Inputs, arguments, fitted, inputs_of

SIZES = (3, 6, 0, 1, 4)


class _Generators(_DummyBackendModule):
    """What PyTorch asks of every device in the process that it keeps the random state of: this one has none."""

    def get_rng_state(self, device: object = None) -> Tensor:
        return torch.empty(0, dtype=torch.uint8)

    def set_rng_state(self, state: Tensor, device: object = None) -> None:
        assert not state.numel(), "the fake accelerator draws no random numbers"


# A process can have one, and takes it only before its first backward: so at import, which is when tests are collected.
_setup_privateuseone_for_python_backend("gpu", backend_module=_Generators())
DEVICE = torch.device("gpu")
"""The fake accelerator."""


@contextmanager
def _fake() -> Iterator[None]:
    """Shapes without values; host tensors that were given values lose them on their way to the accelerator."""
    # Nested tensors want an environment for their shapes; it must not make up values.
    shapes = ShapeEnv(allow_scalar_outputs=False, allow_dynamic_output_shape_ops=False)
    # Patched rather than overridden: what launches a kernel has a rule for this class, and none for a subclass.
    with patch.object(FakeTensorMode, "avoid_device_init", True), FakeTensorMode(shape_env=shapes):
        yield


def _there(name: str, tensor: Tensor) -> Tensor:
    """A tensor like this one on the accelerator; PyTorch keeps a packed sequence's sizes on the host."""
    if name == "batch_sizes":
        # Reading a host tensor is free, so this one keeps its values.
        with patch.object(fake_tensor, "CONSTANT_NUMEL_LIMIT", tensor.numel()):
            return torch.tensor(tensor.tolist(), device="cpu", dtype=tensor.dtype)
    fake = torch.empty(tensor.shape, dtype=tensor.dtype, device=DEVICE)
    return fake.requires_grad_(tensor.requires_grad)


@row("sync")
def check_no_sync(case: Case, layout: Layout) -> None:
    """Forward and backward neither wait for the accelerator nor mix devices."""
    for whole in case.batches(SIZES, states=layout.states):
        batch = fitted(whole, layout)
        laid = layout.lay(batch.rows)
        shapes: Inputs = inputs_of(case.start(), batch, layout, laid)
        with _fake():
            with DEVICE:
                pooler = case.start()
            inputs = {name: _there(name, tensor) for name, tensor in shapes.items()}
            args, given = arguments(layout, laid, inputs)
            pooled = pooler(*args, **given)
            assert pooled.device.type == DEVICE.type
            assert pooled.shape == (len(batch.rows), pooler.out_features(batch.table.shape[1]))
            pooled.sum().backward()
            for weight in pooler.parameters():
                assert weight.grad is not None
                assert weight.grad.device.type == DEVICE.type
