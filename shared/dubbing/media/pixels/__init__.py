"""Pixels: how pictures are coded, and what becomes of a code on its way to RGB and back."""
