"""Chance of the demo shop that depends on seed, customer and day only."""

import hashlib

import numpy as np

Array = np.ndarray

# Shares of rows (of sessions for what says so). Small, but none is rare enough to be overlooked in a shop of
# a few thousand customers.
DIRT = {
    "customer_without_birth_year": 0.18,
    "customer_without_gender": 0.12,
    "customer_without_region": 0.03,
    "customer_without_email": 0.03,
    "customer_without_consent": 0.02,
    "customer_without_signed_up_at": 0.002,
    "customer_without_updated_at": 0.002,
    "customer_absurd_birth_year": 0.005,
    "customer_untidy_email": 0.02,
    "customer_duplicate_exact": 0.003,
    "customer_duplicate_newer": 0.004,
    "order_without_customer": 0.003,
    "order_unknown_customer": 0.002,
    "order_id_with_space": 0.004,
    "order_id_dot_zero": 0.004,
    "order_without_ordered_at": 0.001,
    "order_in_future": 0.001,
    "order_without_updated_at": 0.001,
    "order_without_currency": 0.002,
    "order_untidy_status": 0.01,
    "order_lost": 0.001,  # its lines become orphans
    "order_duplicate_exact": 0.002,
    "order_duplicate_stale": 0.002,
    "line_absurd_price": 0.0003,
    "line_negative_price": 0.0005,
    "line_without_price": 0.0005,
    "line_zero_quantity": 0.001,
    "line_without_product": 0.001,
    "line_unknown_product": 0.001,
    "line_duplicate_exact": 0.002,
    "session_anonymous": 0.10,
    "event_unknown_customer": 0.001,
    "event_id_with_space": 0.001,
    "event_id_dot_zero": 0.002,
    "event_utc_as_local": 0.005,
    "event_local_as_utc": 0.005,
    "event_zero_date": 0.0005,
    "event_without_time": 0.0005,
    "event_without_duration": 0.01,
    "event_absurd_duration": 0.002,
    "event_duplicate_exact": 0.003,
    "review_rating_out_of_range": 0.005,
    "review_without_rating": 0.005,
    "review_without_body": 0.05,
    "review_unknown_product": 0.003,
    "review_unknown_customer": 0.003,
    "review_duplicate_exact": 0.004,
}


def _mix(x: Array) -> Array:
    """Return the splitmix64 finalizer of ``x`` (uint64; Steele, Lea and Flood 2014)."""
    x = x ^ (x >> np.uint64(30))
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _stream(name: str) -> np.uint64:
    """Return the 64-bit constant that keeps the draws called ``name`` apart from all others."""
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def _key(key: Array, number: Array) -> Array:
    """Return the key of part ``number`` (a day, a line) of the thing that ``key`` stands for."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    return _mix(key + (np.asarray(number).astype(np.uint64) + np.uint64(1)) * golden)


def _uniform(key: Array, name: str) -> Array:
    """Return floats in (0, 1), one for each key, of their own in each stream ``name``."""
    bits = _mix(key ^ _stream(name)) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) * 2.0**-53


def _normal(key: Array, name: str) -> Array:
    """Return standard normal floats (Box and Muller), one for each key."""
    radius = np.sqrt(-2.0 * np.log(_uniform(key, name)))
    return radius * np.cos(2.0 * np.pi * _uniform(key, f"{name} angle"))


def _integer(key: Array, name: str, low: int, high: int) -> Array:
    """Return integers in [low, high)."""
    return (low + _uniform(key, name) * (high - low)).astype(np.int64)


def _geometric(key: Array, name: str, mean: Array | float, cap: int) -> Array:
    """Return whole numbers >= 0 with a geometric distribution of that mean, cut at ``cap``."""
    mean = np.maximum(mean, 1e-6)
    draws = np.log(_uniform(key, name)) / np.log(mean / (1.0 + mean))
    return np.minimum(draws, cap).astype(np.int64)


def _hit(key: Array, dirt: str) -> Array:
    """Return which keys are struck by that kind of dirt."""
    return _uniform(key, f"dirt {dirt}") < DIRT[dirt]
