"""Studies of trained models; each module says what of a job it measures."""
