#!/bin/sh
# What the tests need beside Python: Chromium, mosquitto, a font with Chinese characters. Root on Debian installs what
# is missing; elsewhere the tests that need it are skipped with a plain message (or fail under DONGTING_REQUIRE).
set -u

missing=""
[ -n "${DONGTING_CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
ls /usr/share/fonts/opentype/noto/*CJK* >/dev/null 2>&1 || missing="$missing fonts-noto-cjk"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing what the tests need:$missing"
    log=$(mktemp)
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1
    then
        rm -f "$log"
        # Debian starts a broker when it installs one; the tests start their own.
        { service mosquitto stop || true; } >/dev/null 2>&1
        exit 0
    fi
    tail -n 3 "$log" >&2
    rm -f "$log"
fi
echo "Not installed:$missing. Tests that need it are skipped (Debian: apt-get install$missing)." >&2
exit 0
