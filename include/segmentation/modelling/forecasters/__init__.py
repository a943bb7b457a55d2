"""Forecasts of what each customer will do: a forecaster is one file and one entry of `registry`."""
