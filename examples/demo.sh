#!/bin/sh
# Lodestamp in one minute: stamp a file, verify its proof, change one byte, see the proof refuted.
# `make demo` runs it. Everything happens in .demo/, which is made anew each time.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
rm -rf .demo
mkdir .demo
cp README.md .demo/
cd .demo
LODESTAMP_HOME="$PWD/home" # the log, its keys and its database: ours alone, thrown away next time
export PATH LODESTAMP_HOME

say() {
    printf '\n== %s\n' "$*"
}

# expect CODE COMMAND...: show the command, run it, and stop unless it exits with CODE.
expect() {
    wanted=$1
    shift
    printf '$ %s\n' "$*"
    code=0
    "$@" || code=$?
    printf '(exit code %s)\n' "$code"
    if [ "$code" -ne "$wanted" ]; then
        printf 'demo: expected exit code %s, got %s\n' "$wanted" "$code" >&2
        exit 1
    fi
}

# flip FILE: invert the lowest bit of the byte in the middle of FILE.
flip() {
    python - "$1" <<'PYTHON'
import pathlib, sys

file = pathlib.Path(sys.argv[1])
content = bytearray(file.read_bytes())
content[len(content) // 2] ^= 1
file.write_bytes(content)
PYTHON
}

# refuted_legs PROOF CONTENT: the names of the legs that do not hold, one per line.
refuted_legs() {
    lodestamp verify --json "$1" "$2" | python -c '
import json, sys

for leg in json.load(sys.stdin)["legs"]:
    if leg["status"] == "refuted":
        print(leg["name"])'
}

say "1. Stamp a real file. The proof is written beside it."
expect 0 lodestamp stamp README.md

say "2. Verify the file against its proof. This needs no network and no log."
expect 0 lodestamp verify README.md.proof.json README.md

say "3. Flip one bit of the file. The content leg must fall."
cp README.md changed.md
flip changed.md
expect 1 lodestamp verify README.md.proof.json changed.md
fallen=$(refuted_legs README.md.proof.json changed.md)
if [ "$fallen" != content ]; then
    printf 'demo: expected the content leg to be refuted, got: %s\n' "${fallen:-none}" >&2
    exit 1
fi

say "4. Flip one bit of the proof instead. It must fall, too."
cp README.md.proof.json changed.proof.json
flip changed.proof.json
expect 1 lodestamp verify changed.proof.json README.md

say "Done: the file is proven as it was, and any change to it or to its proof is found."
