"""Recipes: text classifiers on seqpool's poolers, trained from the command line."""
