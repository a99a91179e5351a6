"""What an operator does and asks: each a call of a function or a read of a view."""
