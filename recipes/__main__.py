"""`python -m recipes`."""

import sys

from recipes.cli import train
from recipes.compare_cli import compare
from recipes.gate import fail
from recipes.predict.cli import predict

COMMANDS = {
    "fit": "train a classifier",
    "validate": "measure a checkpoint on the validation split",
    "test": "measure a checkpoint on the test split",
    "predict": "label texts with a checkpoint",
    "export": "write a checkpoint as ONNX, torch.export, AOTInductor or safetensors",
    "compare": "train several poolers alike and print a table",
}
"""The commands, and what each does."""


def main() -> None:
    """Run one of the recipes' own commands, or one of LightningCLI's."""
    command, args = sys.argv[1:2], sys.argv[2:]
    if command in (["-h"], ["--help"]):
        sys.stdout.write(_help())
    elif command == ["compare"]:
        compare(args)
    elif command == ["predict"]:
        predict(args)
    elif command == ["export"]:
        # ONNX Runtime and inductor take seconds to import.
        from recipes.export.cli import export

        export(args)
    elif command and (command[0] in COMMANDS or command[0].startswith("-")):
        train()
    else:
        came = f"{command[0]!r} came" if command else "none came"
        fail(f"a command is needed, one of {', '.join(COMMANDS)}; {came}: see python -m recipes --help")


def _help() -> str:
    rows = [f"  {name:<10}{what}\n" for name, what in COMMANDS.items()]
    usage = "usage: python -m recipes COMMAND [options]\n\nText classifiers around a pooler.\n\n"
    return f"{usage}{''.join(rows)}\npython -m recipes COMMAND --help lists the options of each.\n"


if __name__ == "__main__":
    main()
