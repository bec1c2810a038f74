"""What every pooler promises, in every layout."""
