"""What makes a training run safe to kill, and equal on one process and on many."""
