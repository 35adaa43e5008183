"""From a candidate to a served version: what it is measured on, the golden clip, publishing."""
