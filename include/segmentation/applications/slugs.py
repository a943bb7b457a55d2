"""Ids that are made of names by people: of campaigns and saved audiences, in addresses, files and tables."""

import re
import unicodedata

ID = r"[a-z0-9][a-z0-9_-]{0,60}"


def slug(name: str) -> str:
    """An id out of a name; empty where that has no letter of the Latin alphabet and no digit."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
