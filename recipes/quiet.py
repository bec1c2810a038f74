"""Third-party warnings that nobody who runs a recipe can act on, each with its reason."""

import logging
import warnings


def quiet_warnings() -> None:
    """Ignore what the libraries say about each other."""
    # Lightning's own use of a torch function; torch deprecated it after Lightning's release.
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    # LightningCLI's own calls; it has to follow jsonargparse before version 5.
    warnings.filterwarnings("ignore", message=r"(?s).*only one JsonargparseDeprecationWarning")
    warnings.filterwarnings("ignore", message=r"(?s).*deprecated in v4[\d.]+ and will be\s+removed in v5")
    # A run that goes on in its own folder finds what it left there; its metrics are in its checkpoint.
    warnings.filterwarnings("ignore", message=r"(Checkpoint directory|Experiment logs directory) .* exists and is not")
    # A checkpoint that is given by its path is tested, or trained further, in a folder of its own.
    warnings.filterwarnings("ignore", message=r"The dirpath has changed")
    # After many trainings joblib replaces a process whose memory grew; no training is lost with it.
    warnings.filterwarnings("ignore", message=r"A worker stopped while some jobs were given to the executor")

    # What these say of a file that cannot be read stands in the one line of the error, too.
    for name in ("datasets", "huggingface_hub"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def quiet_logs() -> None:
    """Let a process that trains in the background keep its devices and tips to itself."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
