"""`python -m benchmarks COMMAND`; the commands are below, and each has its `--help`."""

import sys

from benchmarks import encoder, routes, verbs
from benchmarks.codegen import command as codegen
from benchmarks.throughput import cli, training

COMMANDS = {
    "verbs": verbs.main,
    "encoder": encoder.main,
    "routes": routes.main,
    "throughput": cli.throughput,
    "training": training.main,
    "report": cli.report,
    "compare": cli.compare_files,
    "codegen": codegen.main,
}


def main(argv: list[str]) -> int:
    """Run the named benchmark; exit status 2 for an unknown one."""
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: python -m benchmarks {' | '.join(COMMANDS)} [--help]", file=sys.stderr)
        return 2
    return COMMANDS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
