"""`python -m benchmarks report`: all raw results as one Markdown report with plots, and as one page to explore."""
