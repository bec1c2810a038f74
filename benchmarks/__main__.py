"""`python -m benchmarks verbs | encoder | codegen`: each prints its table, and what it was made on."""

import sys

from benchmarks import encoder, verbs
from benchmarks.codegen import command as codegen

COMMANDS = {"verbs": verbs.main, "encoder": encoder.main, "codegen": codegen.main}


def main(argv: list[str]) -> int:
    """Run the named benchmark; exit status 2 for an unknown one."""
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: python -m benchmarks {' | '.join(COMMANDS)} [--help]", file=sys.stderr)
        return 2
    return COMMANDS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
