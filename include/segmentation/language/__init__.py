"""Texts, numbers, money and dates in the languages of the reader."""
