"""The shop as it is: contract, demo shop, files."""
