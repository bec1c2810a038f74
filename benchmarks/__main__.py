"""`python -m benchmarks COMMAND`; the commands are below, and each has its `--help`."""

import sys

from benchmarks import encoder, routes_command, verbs
from benchmarks.accuracy.cli import accuracy
from benchmarks.codegen import command as codegen
from benchmarks.evidence import command as evidence
from benchmarks.gpu import command as gpu
from benchmarks.throughput import cli, training_command

COMMANDS = {
    "verbs": verbs.main,
    "encoder": encoder.main,
    "routes": routes_command.main,
    "throughput": cli.throughput,
    "training": training_command.main,
    "accuracy": accuracy,
    "report": evidence.main,
    "compare": cli.compare_files,
    "codegen": codegen.main,
    "gpu": gpu.main,
}


def main(argv: list[str]) -> int:
    """Run the named benchmark; exit status 2 for an unknown one."""
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: python -m benchmarks {' | '.join(COMMANDS)} [--help]", file=sys.stderr)
        return 2
    return COMMANDS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
