"""What every refusal owes its reader: the right type, what was needed, what came, and the cure."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Refusal:
    """A wrong call, and the texts that its error must hold."""

    call: Callable[[], object]
    error: type[Exception]
    needed: str
    came: str
    cure: str

    def __post_init__(self) -> None:
        # An empty text is in every message.
        assert all((self.needed, self.came, self.cure))

    def check(self) -> None:
        with pytest.raises(self.error) as caught:
            self.call()
        message = str(caught.value)
        missing = [text for text in (self.needed, self.came, self.cure) if text not in message]
        assert not missing, f"{missing} missing in: {message}"
