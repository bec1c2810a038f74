"""What a pooler costs on every layout, beside its rivals and beside the bytes that must move."""
