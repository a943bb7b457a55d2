"""Forecasts of what each customer will do, one forecaster a file."""
