"""What a failure says, to the number, and what the assertions refuse to judge."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from seqpool import MaskedMeanPooler
from seqpool.testing import (
    assert_no_padding_gradient,
    assert_padding_invariant,
    assert_pools_correctly,
)
from seqpool.testing.batch import batch, contents
from tests import offenders as o

NAN = float("nan")


def steps() -> Tensor:
    return torch.randn(3, 7, o.WIDTH)


def mean(x: Tensor, lengths: Tensor) -> Tensor:
    pooled: Tensor = MaskedMeanPooler()(x, lengths=lengths)
    return pooled


def test_the_message_tells_row_length_amount_and_cause() -> None:
    x = torch.zeros(3, 4, 1)
    x[0, 3] = 1.0
    with pytest.raises(AssertionError) as caught:
        assert_padding_invariant(o.last_of_steps, x, [4, 2, 1], padding=(0.25,))
    assert str(caught.value) == (
        "row 1 (length 2 of 4) moved by 0.25 when padding content changed (0.25): the last column alone is read: "
        "is this output[:, -1]? take each row's own last step (LastPooler) (and 1 more rows: [2])"
    )


def test_the_amount_message_tells_the_width() -> None:
    x = torch.ones(2, 4, 1)
    with pytest.raises(
        AssertionError, match=re.escape("row 0 (length 4 of 4) moved by 0.2 when its batch was padded to 5 steps")
    ):
        assert_padding_invariant(o.sum_over_t, x, [4, 2])


def test_the_cut_to_the_longest_row_is_tried() -> None:
    x = torch.ones(2, 4, 1)
    with pytest.raises(AssertionError, match=r"moved by 0\.25 when its batch was padded to 3 steps"):
        assert_padding_invariant(o.sum_over_t, x, [3, 2])


def test_the_gradient_message_tells_the_step() -> None:
    def leaks(x: Tensor, n: Tensor) -> Tensor:
        pooled = mean(x, n)
        pooled[1] = pooled[1] + 0 * x[1, 5] + (x[1, 5] - x[1, 5].detach())
        return pooled

    with pytest.raises(AssertionError, match=r"row 1 \(length 5 of 8\) sends a gradient of [\d.]+ to padding step 5: "):
        assert_no_padding_gradient(leaks, steps(), [7, 5, 3])


def test_a_softmax_head_does_not_hide_the_gradient() -> None:
    # A probability's sum is 1 whatever happens, so its gradient is 0.
    with pytest.raises(AssertionError, match="to padding step"):
        assert_no_padding_gradient(lambda x, n: o.cancelled(x, n).softmax(1), steps(), [7, 5, 3])


def test_ids_show_their_gradient_in_the_embedding() -> None:
    model = o.RNNClassifier(o.last_column, packed=False)
    ids = torch.randint(20, (3, 7))
    model(ids, torch.tensor([7, 5, 3]))
    with pytest.raises(AssertionError, match=r"moved the gradient of a parameter of shape \(20, 6\)"):
        assert_no_padding_gradient(model, ids, [7, 5, 3])


def test_nan_in_padding_is_tried_where_the_caller_asks() -> None:
    assert_padding_invariant(o.multiplied_mean, steps(), [7, 5, 3])
    with pytest.raises(AssertionError, match="0 times nan is nan"):
        assert_padding_invariant(o.multiplied_mean, steps(), [7, 5, 3], padding=(NAN,))
    assert_pools_correctly(mean, steps(), [7, 5, 3], padding=(NAN,))


def test_every_padding_step_gets_other_content() -> None:
    for x in (steps(), torch.randint(9, (3, 7))):
        given = batch(x, [7, 5, 3])
        for _, content in contents(given, ()):
            changed = given.filled(content)
            same = (changed.x == given.x).reshape(3, 7, -1).all(2)
            assert torch.equal(same, given.mask())


def test_the_model_gets_a_copy() -> None:
    def spoils(x: Tensor, n: Tensor) -> Tensor:
        pooled = mean(x, n)
        x.zero_()
        n.zero_()
        return pooled

    x = steps()
    kept = x.clone()
    assert_padding_invariant(spoils, x, [7, 5, 3])
    assert torch.equal(x, kept)


def test_the_global_seed_is_left_alone() -> None:
    before = torch.get_rng_state()
    assert_pools_correctly(mean, steps_of_ones(), [7, 5, 3])
    assert torch.equal(torch.get_rng_state(), before)


def steps_of_ones() -> Tensor:
    return torch.ones(3, 7, 2)


def test_a_tolerance_of_ones_own() -> None:
    def nearly(x: Tensor, n: Tensor) -> Tensor:
        return mean(x, n) + 1e-3 * x.shape[1]

    with pytest.raises(AssertionError, match=r"moved by 0\.001"):
        assert_padding_invariant(nearly, steps(), [7, 5, 3])
    assert_padding_invariant(nearly, steps(), [7, 5, 3], rtol=0.0, atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes(dtype: torch.dtype) -> None:
    x = steps().to(dtype)
    assert_pools_correctly(mean, x, [7, 5, 3])
    with pytest.raises(AssertionError, match="the model reads padding"):
        assert_padding_invariant(o.mean_over_steps, x, [7, 5, 3])


def test_a_model_that_takes_a_mask_may_claim_right_padding_alone() -> None:
    assert_padding_invariant(o.positions_from_the_left, steps(), [7, 5, 3], takes="mask", sides=("right",))


def test_a_row_that_is_nan_from_the_start_is_named() -> None:
    def poisons(x: Tensor, n: Tensor) -> Any:
        return torch.where(n.unsqueeze(1) == 5, NAN, mean(x, n))

    with pytest.raises(AssertionError, match=r"row 1 \(length 5 of 7\) is nan before anything was changed"):
        assert_padding_invariant(poisons, steps(), [7, 5, 3])
