"""The trainer: loop, learning rule, checkpoints, devices, run folders."""
