"""`python -m benchmarks verbs | encoder`: each prints its machine, its table and its spread."""

import sys

from benchmarks import encoder, verbs

COMMANDS = {"verbs": verbs.main, "encoder": encoder.main}


def main(argv: list[str]) -> int:
    """Run the named benchmark; exit status 2 for an unknown one."""
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: python -m benchmarks {' | '.join(COMMANDS)} [--help]", file=sys.stderr)
        return 2
    return COMMANDS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
