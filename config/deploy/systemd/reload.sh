#!/bin/sh
# Runs after the package was installed, upgraded or removed. What runs goes on with
# the binary that it was started with, until somebody restarts it.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
