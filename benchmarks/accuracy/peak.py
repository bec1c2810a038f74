"""Peak memory of this process."""

import re
import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Most memory that this process had resident so far, in MiB."""
    if STATUS.exists():
        # Not ru_maxrss, which a process takes over from the one that started it.
        return int(re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())[0]) / 1024
    # Other systems keep no peak but this one.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
