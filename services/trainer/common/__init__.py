"""What everything of the trainer stands on: processes, stages, settings, optimiser steps."""
