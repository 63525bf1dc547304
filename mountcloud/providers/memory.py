"""The reference implementation of the provider port, in memory."""
