"""What the dictionary of entries is trained on: made-up answers in every protocol."""
