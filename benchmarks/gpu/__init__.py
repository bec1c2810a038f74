"""The kernels on a GPU: right before fast, in one command."""
