"""`python -m seqpool explain`: the experiment (pure data), and its pictures in a terminal and in a document."""
