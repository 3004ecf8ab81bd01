#!/bin/sh
# Questions that one asks about an unknown HDF5 file, each with the tool that answers it.
set -eu

# Structure, chunk shapes and filters, without reading any data.
show_structure() {
    file=$1
    h5ls -r "$file"
    echo "layouts and filters:"
    h5dump -pH "$file" |
        grep -E 'DATASET|CHUNKED|CONTIGUOUS|COMPACT|VIRTUAL|COMPRESSION|PREPROCESSING' |
        sed 's/^ *//'
}

# Metadata share and unused space: is it worth repacking?
show_space() {
    file=$1
    h5stat -S "$file"
    size=$(stat -c %s "$file")
    echo "file size: $size bytes"
    case $(h5stat -S "$file" | awk '/Unaccounted space/ { print ($3 > 0) }') in
    1) echo "there is unaccounted space: h5repack will remove it" ;;
    *) echo "no unaccounted space" ;;
    esac
}

# A repacked copy, compressed, compared with the original before it takes its place.
repack_checked() {
    file=$1
    copy=$file.repacked
    h5repack -f SHUF -f GZIP=4 "$file" "$copy"
    if h5diff -q "$file" "$copy"; then
        mv "$copy" "$file"
    else
        echo "the copy differs, $file is unchanged" >&2
        rm -f "$copy"
        return 1
    fi
}

# After a crash: is the file marked as open, and can its superblock be read?
clear_after_crash() {
    file=$1
    if h5ls "$file" >/dev/null 2>&1; then
        echo "$file opens"
        return 0
    fi
    cp -p "$file" "$file.before-h5clear"
    h5clear -s "$file" || true
    h5clear --increment "$file" || true
    h5ls -r "$file"
}
