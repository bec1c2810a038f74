"""Lightning's counters in a checkpoint, put where a resumed run goes on as one that was never stopped.

Lightning 2.6 saves its counters as they stand in the hook that saves, and guesses from them, when it resumes, which
hook that was. Some guesses are wrong: after the last batch of an epoch the next one is not counted as started, so a
second resume replays it; at the start of an epoch the whole of it is skipped; with `max_steps` the first step is logged
twice. So the counters are brought here into one of two states that it resumes well: between two epochs, or between two
steps.
"""

from typing import Any

Loops = dict[str, Any]


def settle(fit_loop: Loops, global_step: int) -> bool:
    """Bring the counters that are about to be saved into one of the two states; whether it is amid an epoch."""
    epochs, batches = fit_loop["epoch_progress"], fit_loop["epoch_loop.batch_progress"]
    if batches["total"]["started"] > batches["total"]["processed"]:
        return True  # inside a step, where an exception or a signal saves: Lightning replays the step
    fetched = batches["total"]["ready"] > batches["total"]["started"]
    first = fetched and batches["current"]["started"] == 0
    ended = not fetched and (batches["is_last_batch"] or _between(epochs["total"]))
    batches["is_last_batch"] = False
    if first or ended:
        for count in (epochs["total"], epochs["current"]):
            # At its first batch an epoch has started, but nothing of it is done.
            _set(count, count["started"] - 1 if first and not _between(count) else count["started"])
        _set(batches["total"], batches["total"]["started"])
        _set(batches["current"], 0)
        _stepped(fit_loop, global_step)
    else:
        _end_of_batch(fit_loop, global_step)
    for loader in fit_loop["state_dict"].get("combined_loader", []):
        # A batch that was given and not used is given again.
        loader["given"] = batches["current"]["started"]
    return not (first or ended)


def settle_for_steps(fit_loop: Loops, global_step: int) -> None:
    """Prepare the state between two epochs for a trainer with `max_steps`, which takes any for one amid steps."""
    if _between(fit_loop["epoch_progress"]["total"]):
        _end_of_batch(fit_loop, global_step)


def _end_of_batch(fit_loop: Loops, global_step: int) -> None:
    """The counters in the hook `on_train_batch_end`: the batch is processed and not completed, its step not logged."""
    for count in (fit_loop["epoch_loop.batch_progress"][key] for key in ("total", "current")):
        _set(count, count["started"])
        count["completed"] -= 1
    _stepped(fit_loop, global_step - 1)


def _stepped(fit_loop: Loops, steps: int) -> None:
    fit_loop["epoch_loop.state_dict"]["_batches_that_stepped"] = steps


def _between(count: dict[str, int]) -> bool:
    """Whether every epoch that started is processed."""
    return count["processed"] == count["started"]


def _set(count: dict[str, int], number: int) -> None:
    for key in count:
        count[key] = number
