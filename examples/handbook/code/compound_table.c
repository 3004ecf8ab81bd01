/* A table of particles as a compound datatype: creating, appending, and reading one column. */
#include <hdf5.h>
#include <stdint.h>

struct particle {
    int64_t id;
    double position[3];
    float charge;
};

/* The type of struct particle in memory, with the padding that the compiler chose. */
hid_t particle_memory_type(void)
{
    hsize_t three = 3;
    hid_t vector = H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &three);
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct particle));

    H5Tinsert(type, "id", HOFFSET(struct particle, id), H5T_NATIVE_INT64);
    H5Tinsert(type, "position", HOFFSET(struct particle, position), vector);
    H5Tinsert(type, "charge", HOFFSET(struct particle, charge), H5T_NATIVE_FLOAT);
    H5Tclose(vector);
    return type;
}

/* Commits the packed type under a name and creates an extensible table that uses it. */
hid_t create_particle_table(hid_t file)
{
    hsize_t zero = 0;
    hsize_t unlimited = H5S_UNLIMITED;
    hsize_t chunk = 4096;

    hid_t memory_type = particle_memory_type();
    hid_t file_type = H5Tcopy(memory_type);
    H5Tpack(file_type);
    H5Tcommit2(file, "particle_t", file_type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

    hid_t space = H5Screate_simple(1, &zero, &unlimited);
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(dcpl, 1, &chunk);
    hid_t dset = H5Dcreate2(file, "particles", file_type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);

    H5Pclose(dcpl);
    H5Sclose(space);
    H5Tclose(file_type);
    H5Tclose(memory_type);
    return dset;
}

/* Reads only the member "charge": a memory type with one member selects it by name. */
herr_t read_charges(hid_t dset, float *charges)
{
    hid_t column = H5Tcreate(H5T_COMPOUND, sizeof(float));

    H5Tinsert(column, "charge", 0, H5T_NATIVE_FLOAT);
    herr_t status = H5Dread(dset, column, H5S_ALL, H5S_ALL, H5P_DEFAULT, charges);
    H5Tclose(column);
    return status;
}
