"""Facts about training runs that recipes need on machines with torch and nothing of the platform."""

NETWORKS = ("start", "teacher")  # the settings that name a network, and so what a run made or what is served
SERVED = "served:"  # a setting that begins so names a version of the demonstration model's student in the served repository
