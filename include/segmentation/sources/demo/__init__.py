"""The demo shop, made from seed, customer and day."""
