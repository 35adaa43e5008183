"""Figures and the rules that judge them."""
