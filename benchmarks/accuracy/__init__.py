"""How well each pooler classifies: runs over seeds, studies of one trained model, and their statistics."""
