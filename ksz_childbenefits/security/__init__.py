"""Who signed a message and may be believed; and our own signature."""
