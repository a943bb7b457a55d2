"""Scores of candidates: geometry, stability, prediction, explainability, agreement."""
