"""Predict the classes of texts, and show which tokens decided."""
