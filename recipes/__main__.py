"""`python -m recipes`."""

import sys

from recipes.cli import train
from recipes.compare_cli import compare
from recipes.predict.cli import predict

OWN = {"compare": compare, "predict": predict}
"""Commands that are not LightningCLI's."""


def main() -> None:
    """Run one of the recipes' own commands, or one of LightningCLI's."""
    if sys.argv[1:] and sys.argv[1] in OWN:
        OWN[sys.argv[1]](sys.argv[2:])
    else:
        train()


if __name__ == "__main__":
    main()
