"""What a request is, and what an answer is worth. Pure: nothing here does any IO."""
