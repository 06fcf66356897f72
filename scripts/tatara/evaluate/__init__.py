"""Answers, likelihood, parity, ladder, judges, deployment."""
