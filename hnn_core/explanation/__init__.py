"""Explanations of predictions: maps of the tokens, scores of the hours, and checks of both."""
