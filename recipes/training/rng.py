"""The state of every random generator of a process, in what `torch.load(weights_only=True)` reads."""

import random
from typing import Any

import numpy as np
import torch

MAX_SEED = 2**32 - 1
"""numpy's own."""


def rng_state() -> dict[str, Any]:
    """Take the states of Python's, numpy's and torch's global generators."""
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  # whoever draws from it, its state is kept
    return {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),  # type: ignore[union-attr]  # legacy=True gives the tuple
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_rng_state(state: dict[str, Any]) -> None:
    """Put the generators where they were."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002  # as above
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def rng_states(world_size: int) -> list[dict[str, Any]]:
    """The states of every process, by its rank."""
    states = [rng_state() for _ in range(world_size)]
    if world_size > 1:
        torch.distributed.all_gather_object(states, states[0])
    return states
