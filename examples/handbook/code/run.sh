#!/bin/bash
# Running a parallel HDF5 program on Lustre under Slurm, with a look at what it did.
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=64
#SBATCH --time=00:30:00
set -euo pipefail

# A directory whose new files are striped over many targets; stripes as large as the alignment in the program.
prepare_directory() {
    local dir=$1
    mkdir -p "$dir"
    if command -v lfs >/dev/null; then
        lfs setstripe -c 16 -S 4M "$dir"
        lfs getstripe -d "$dir"
    else
        echo "not Lustre: nothing to stripe" >&2
    fi
}

# Hints for ROMIO can be given in a file, without a change to the program.
write_hints() {
    local file=$1
    cat >"$file" <<'HINTS'
romio_cb_write enable
romio_ds_write disable
cb_nodes 16
cb_buffer_size 16777216
HINTS
    export ROMIO_HINTS=$file
    export MPICH_MPIIO_HINTS_DISPLAY=1
}

# Runs under Darshan and prints the counters that tell small or independent accesses.
run_profiled() {
    local app=$1
    shift
    export DARSHAN_LOGPATH=$PWD/darshan
    mkdir -p "$DARSHAN_LOGPATH"
    srun --export=ALL,LD_PRELOAD="${DARSHAN_LIB:?set DARSHAN_LIB to libdarshan.so}" "$app" "$@"
    local log
    log=$(find "$DARSHAN_LOGPATH" -name '*.darshan' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
    darshan-parser --total "$log" |
        grep -E 'MPIIO_(COLL|INDEP)_WRITES|POSIX_(WRITES|BYTES_WRITTEN|FILE_NOT_ALIGNED)|POSIX_F_(META|WRITE)_TIME'
}

# The upper bound: the same amount of data with IOR, first MPI-IO, then through HDF5.
measure_bound() {
    local file=$1
    for api in MPIIO HDF5; do
        srun ior -a "$api" -c -w -r -C -e -b 256m -t 4m -s 4 -i 3 -o "$file.$api" |
            grep -E '^(write|read|Max)'
        rm -f "$file.$api"
    done
}
