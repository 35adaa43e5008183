"""Settings of a stack that notices a dead worker within seconds."""

QUICK = {"DUBLINE_QUEUE_HEARTBEAT": "1", "DUBLINE_QUEUE_HEARTBEAT_TIMEOUT": "10", "DUBLINE_QUEUE_SWEEP": "2"}
