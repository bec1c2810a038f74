"""`python -m recipes`."""

import sys

from recipes.cli import train
from recipes.compare_cli import compare
from recipes.predict.cli import predict


def main() -> None:
    """Run one of the recipes' own commands, or one of LightningCLI's."""
    command, args = sys.argv[1:2], sys.argv[2:]
    if command == ["compare"]:
        compare(args)
    elif command == ["predict"]:
        predict(args)
    elif command == ["export"]:
        # ONNX Runtime and inductor take seconds to import.
        from recipes.export.cli import export

        export(args)
    else:
        train()


if __name__ == "__main__":
    main()
