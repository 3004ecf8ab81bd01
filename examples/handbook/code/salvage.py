"""Saves what can be read from a damaged file, chunk by chunk."""
import itertools

import h5py
import numpy as np


def readable_objects(path):
    """Names of the datasets that can be opened; broken branches are reported and left out."""
    found = []

    def walk(group, prefix):
        for key in group:
            name = f"{prefix}/{key}"
            try:
                obj = group[key]
            except (KeyError, OSError, RuntimeError) as error:
                print(f"skipped {name}: {error}")
                continue
            if isinstance(obj, h5py.Group):
                walk(obj, name)
            elif isinstance(obj, h5py.Dataset):
                found.append(name)

    with h5py.File(path, "r") as f:
        walk(f, "")
    return found


def chunk_selections(dset):
    """Slices of all chunks of a dataset; a contiguous dataset counts as one chunk."""
    if dset.chunks is None:
        yield tuple(slice(0, n) for n in dset.shape)
        return
    starts = [range(0, n, c) for n, c in zip(dset.shape, dset.chunks)]
    for corner in itertools.product(*starts):
        yield tuple(
            slice(s, min(s + c, n)) for s, c, n in zip(corner, dset.chunks, dset.shape)
        )


def copy_readable(source, target):
    """Copies every chunk that passes its checks; lost chunks keep NaN or 0. Returns the number lost."""
    lost = 0
    names = readable_objects(source)
    with h5py.File(source, "r") as src, h5py.File(target, "w") as dst:
        for name in names:
            old = src[name]
            fill = np.nan if old.dtype.kind == "f" else None
            new = dst.create_dataset(
                name, old.shape, old.dtype, chunks=old.chunks, fillvalue=fill
            )
            for selection in chunk_selections(old):
                try:
                    new[selection] = old[selection]
                except OSError as error:  # checksum, decompression, or address beyond the end
                    lost += 1
                    print(f"lost {name}{selection}: {error}")
    return lost
