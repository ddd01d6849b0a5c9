#!/bin/sh
# Logs in as the healthcheck does: the server writes down the password that it was started with.
set -eu
[ -n "${SQLCMDPASSWORD:-}" ] && [ "$SQLCMDPASSWORD" = "$(cat /tmp/standin-password)" ]
