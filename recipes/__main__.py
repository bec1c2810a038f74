"""`python -m recipes`."""

import sys

from recipes.cli import train
from recipes.compare_cli import compare


def main() -> None:
    """Run `compare`, or one of LightningCLI's commands."""
    if sys.argv[1:2] == ["compare"]:
        compare(sys.argv[2:])
    else:
        train()


if __name__ == "__main__":
    main()
