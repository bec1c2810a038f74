"""Write a trained classifier in formats that run without the recipes, each checked and timed."""
