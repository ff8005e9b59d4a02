"""Files of others: read a row at a time, checked whole, entered whole or not at all."""
