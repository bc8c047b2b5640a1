#!/usr/bin/env bash
# Builds what has changed, starts Yeoul with the given configuration and, where that names it, the demo camera in another
# process. Ctrl-C ends both.
set -euo pipefail

cd "$(dirname "$0")/.."
config=${1:-yeoul.example.yaml}
demo_port=8654
start_wait_s=15

fail() {
  echo "run: $*" >&2
  exit 1
}

[ -r "$config" ] || fail "$config cannot be read"
scripts/setup.sh run

# The page goes into the binary, so it is built first.
if [ ! -f web/dist/index.html ] ||
  [ -n "$(find web/src web/index.html web/package-lock.json web/*.config.ts -newer web/dist/index.html -print -quit)" ]; then
  echo "run: building the web page"
  (cd web && npm run --silent build -- --logLevel warn)
fi
cargo build --release -p yeoul

# Whatever ends this script, nothing stays behind: both get SIGTERM and are waited for.
children=()
# shellcheck disable=SC2317  # called by the trap
end() {
  trap - EXIT
  trap '' INT TERM
  [ ${#children[@]} -eq 0 ] || kill "${children[@]}" 2>/dev/null || true
  wait
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if grep -Eq "^[^#]*(127\.0\.0\.1|localhost):$demo_port/" "$config"; then
  scripts/demo-camera.py --with-parent --port $demo_port --path /demo --audio opus >/dev/null &
  children+=($!)
fi

# It reads the configuration as the program will, and says what is wrong with it.
program="${CARGO_TARGET_DIR:-target}/release/yeoul"
checked=$("$program" check -c "$config")
page=$(sed -n 's/^the page will be at //p' <<<"$checked")

"$program" -c "$config" &
yeoul=$!
children+=("$yeoul")

# Without `api.listen` there is no page.
for ((tenth = 0; ${#page} > 0 && tenth < start_wait_s * 10; tenth++)); do
  kill -0 "$yeoul" 2>/dev/null || break
  if curl --silent --fail --max-time 2 --output /dev/null "${page}api"; then
    printf '\n  Yeoul is running: %s   (Ctrl-C ends it)\n\n' "$page"
    break
  fi
  sleep 0.1
done

status=0
wait "$yeoul" || status=$?
exit "$status"
