"""Where runs run: joblib's processes on this machine, or a Dask cluster."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from joblib import parallel_config  # type: ignore[import-untyped]  # it has no types


@contextmanager
def loky(jobs: int) -> Iterator[None]:
    """So many processes of one thread on this machine."""
    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        yield


@contextmanager
def dask(address: str | None, jobs: int) -> Iterator[None]:
    """The cluster whose scheduler is at `address`, or one of `jobs` processes on this machine.

    Raises:
        ValueError: Dask is not installed, or there is no scheduler.
    """
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise ValueError("--backend dask needs Dask: pip install 'seqpool[benchmarks]'") from error
    with ExitStack() as stack:
        if address is None:
            cluster = LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address="127.0.0.1:0")  # type: ignore[no-untyped-call]  # Dask's
            address = stack.enter_context(cluster).scheduler_address
        try:
            stack.enter_context(Client(address, timeout=10))  # type: ignore[no-untyped-call]  # Dask's
        except (OSError, ValueError) as error:
            raise ValueError(f"there is no Dask scheduler at {address!r}: {error}") from error
        stack.enter_context(parallel_config(backend="dask"))
        yield
