#!/usr/bin/env bash
# Parquet's page checksums protect only the one who asks for them, and never the footer.
#
# A file with a checksum of every page (pyarrow 26.0.1, write_page_checksum=True), then a copy with
# one flipped bit for each of its bytes. Seen: pyarrow as it is by default, Polars 2.1.0 and DuckDB
# 2.0.1 do not look at the checksums, and for about half of the copies with a bit flipped in a page
# give other values without an error. Nor does zstd notice: Parquet's writers leave out the checksum
# that a zstd frame can have. pyarrow with page_checksum_verification=True refuses every such copy
# that would read differently, but for bits of the footer, of which no checksum is kept, it gives
# other names, types or values without an error, too.
#
# Exits with 0 while this is so.
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1

cat >look.py <<'PYTHON'
import io, sys
from collections import Counter
from pathlib import Path

import duckdb, polars, pyarrow as pa, pyarrow.parquet as pq

matches = range(200)
table = pa.table({
    "match_id": [f"m{n:03}" for n in matches],
    "goals": [n % 7 for n in matches],
    "price": [1.5 + n / 100 for n in matches],
})
file = io.BytesIO()
pq.write_table(table, file, compression="zstd", write_page_checksum=True)
whole = file.getvalue()
footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
duck = duckdb.connect()
duck.execute("SET enable_external_file_cache = false")


def by_duckdb(data):
    Path("copy.parquet").write_bytes(data)
    return duck.sql("FROM read_parquet('copy.parquet')").to_arrow_table()


readers = {
    "pyarrow": lambda data: pq.read_table(pa.BufferReader(data)),
    "polars": lambda data: polars.read_parquet(io.BytesIO(data)).to_arrow(),
    "duckdb": by_duckdb,
    "pyarrow that verifies": lambda data: pq.read_table(
        pa.BufferReader(data), page_checksum_verification=True
    ),
}
silent = {}
for name, read in readers.items():
    assert read(whole).to_pylist() == table.to_pylist()
    seen = Counter()
    for at in range(4, len(whole)):
        copy = bytearray(whole)
        copy[at] ^= 1 << at % 8
        part = "footer" if at >= footer else "pages"
        seen[part] += 1
        try:
            got = read(bytes(copy)).to_pylist()
        except (Exception, polars.exceptions.PanicException):
            continue
        seen[part, "other"] += got != table.to_pylist()
    silent[name] = seen["pages", "other"], seen["footer", "other"]
    print(f"{name}: read with other content, and no error: {silent[name][0]} of {seen['pages']} "
          f"flips in pages, {silent[name][1]} of {seen['footer']} in the footer")
verified = silent.pop("pyarrow that verifies")
is_so = all(pages and rest for pages, rest in silent.values()) and verified[0] == 0 < verified[1]
sys.exit(not is_so)
PYTHON

# Polars panics over some of the copies, and says so at length.
env/bin/python look.py 2>errors.log || { tail -n 20 errors.log >&2; exit 1; }
