"""A fact about training runs that recipes need on machines with torch and nothing of the platform."""

NETWORKS = ("start", "teacher")  # the settings that name a network, and so what a run made or what is served
