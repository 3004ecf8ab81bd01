/*
 * Writes HDF5 files for trying the tools of servers/hdf5: make_hdf5_samples DIR
 *
 *   simulation.h5  a small simulation: grids, results over time, records, attributes
 *   layouts.h5     a dataset for each storage layout and filter
 *   types.h5       a dataset for each element type, and attributes of each kind
 *   links.h5       hard, soft and external links, with cycles and links to nothing
 *   layouts.raw    the values of the external dataset of layouts.h5
 *
 * The same bytes each time: no times are stored, and the numbers follow formulas.
 */
#include <hdf5.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sample that cannot be written is of no use half. */
static hid_t sure(hid_t id, int line)
{
    if (id < 0) {
        (void)fprintf(stderr, "make_hdf5_samples: line %d failed\n", line);
        exit(1);
    }
    return id;
}
#define DO(call) sure((hid_t)(call), __LINE__)

static hid_t new_file(const char *name)
{
    (void)unlink(name);
    hid_t fapl = DO(H5Pcreate(H5P_FILE_ACCESS));
    DO(H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18));
    hid_t file = DO(H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl));
    DO(H5Pclose(fapl));
    return file;
}

static hid_t space_of(int rank, const hsize_t *dims)
{
    return DO(rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR));
}

/* A creation list without times, so that the same run writes the same bytes. */
static hid_t plain_list(void)
{
    hid_t dcpl = DO(H5Pcreate(H5P_DATASET_CREATE));
    DO(H5Pset_obj_track_times(dcpl, 0));
    return dcpl;
}

static hid_t chunked_list(int rank, const hsize_t *chunk)
{
    hid_t dcpl = plain_list();
    DO(H5Pset_chunk(dcpl, rank, chunk));
    return dcpl;
}

/* Creates and writes; closes `dcpl`, leaves the types alone. NULL data: nothing is written. */
static hid_t put(hid_t loc, const char *name, hid_t type, hid_t mem, hid_t space, hid_t dcpl,
                 const void *data)
{
    hid_t d = DO(H5Dcreate2(loc, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
    if (data)
        DO(H5Dwrite(d, mem, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
    DO(H5Sclose(space));
    DO(H5Pclose(dcpl));
    return d;
}

static void put_plain(hid_t loc, const char *name, hid_t type, hid_t mem, int rank,
                      const hsize_t *dims, const void *data)
{
    DO(H5Dclose(put(loc, name, type, mem, space_of(rank, dims), plain_list(), data)));
}

static void attribute(hid_t object, const char *name, hid_t type, hid_t mem, hid_t space,
                      const void *data)
{
    hid_t a = DO(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    if (data)
        DO(H5Awrite(a, mem, data));
    DO(H5Aclose(a));
    DO(H5Sclose(space));
}

static hid_t text_type(size_t size)
{
    hid_t type = DO(H5Tcopy(H5T_C_S1));
    DO(H5Tset_size(type, size));
    DO(H5Tset_cset(type, H5T_CSET_UTF8));
    return type;
}

static void text_attribute(hid_t object, const char *name, const char *text)
{
    hid_t type = text_type(H5T_VARIABLE);
    attribute(object, name, type, type, space_of(0, NULL), &text);
    DO(H5Tclose(type));
}

static void real_attribute(hid_t object, const char *name, double value)
{
    attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space_of(0, NULL), &value);
}

static hid_t bool_type(void)
{
    hid_t type = DO(H5Tenum_create(H5T_STD_I8LE));
    const int8_t values[2] = {0, 1};
    DO(H5Tenum_insert(type, "FALSE", &values[0]));
    DO(H5Tenum_insert(type, "TRUE", &values[1]));
    return type;
}

static hid_t group(hid_t loc, const char *name)
{
    hid_t gcpl = DO(H5Pcreate(H5P_GROUP_CREATE));
    DO(H5Pset_obj_track_times(gcpl, 0));
    hid_t g = DO(H5Gcreate2(loc, name, H5P_DEFAULT, gcpl, H5P_DEFAULT));
    DO(H5Pclose(gcpl));
    return g;
}

/* simulation.h5 */

#define STEPS 24
#define NY    16
#define NX    24

static void put_grid(hid_t file)
{
    hid_t grid = group(file, "grid");
    double x[NX];
    double y[NY];
    for (int i = 0; i < NX; i++)
        x[i] = 0.05 * i;
    for (int i = 0; i < NY; i++)
        y[i] = 0.1 * i;
    put_plain(grid, "x", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){NX}, x);
    put_plain(grid, "y", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){NY}, y);
    text_attribute(grid, "units", "m");
    DO(H5Gclose(grid));
}

static void put_fields(hid_t results)
{
    static float t[STEPS][NY][NX];
    static float p[STEPS][NY][NX];
    const hsize_t dims[3] = {STEPS, NY, NX};
    const hsize_t chunk[3] = {6, 8, 12};
    for (int s = 0; s < STEPS; s++) {
        for (int i = 0; i < NY; i++) {
            for (int k = 0; k < NX; k++) {
                double r = hypot(i - NY / 2.0, k - NX / 2.0);
                t[s][i][k] = (float)(round(4 * (293.15 + 80 * exp(-r * r / (20.0 + s)))) / 4);
                p[s][i][k] = (float)(1013.25 + (s + i - k) / 8.0);
            }
        }
    }
    hid_t dcpl = chunked_list(3, chunk);
    DO(H5Pset_shuffle(dcpl));
    DO(H5Pset_deflate(dcpl, 6));
    hid_t d =
        put(results, "temperature", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, space_of(3, dims), dcpl, t);
    text_attribute(d, "units", "K");
    text_attribute(d, "long_name", "temperature of the plate");
    real_attribute(d, "scale_factor", 1.0);
    DO(H5Dclose(d));
    p[3][2][1] = NAN;
    d = put(results, "pressure", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, space_of(3, dims), plain_list(),
            p);
    text_attribute(d, "units", "hPa");
    DO(H5Dclose(d));
}

struct event {
    int32_t step;
    char kind[12];
    double energy;
};

static hid_t event_type(void)
{
    hid_t kind = text_type(12);
    hid_t type = DO(H5Tcreate(H5T_COMPOUND, sizeof(struct event)));
    DO(H5Tinsert(type, "step", HOFFSET(struct event, step), H5T_NATIVE_INT32));
    DO(H5Tinsert(type, "kind", HOFFSET(struct event, kind), kind));
    DO(H5Tinsert(type, "energy", HOFFSET(struct event, energy), H5T_NATIVE_DOUBLE));
    DO(H5Tclose(kind));
    return type;
}

static void put_tables(hid_t results)
{
    const struct event events[4] = {
        {0, "start", 0}, {7, "spike", 12.5}, {7, "limit, soft", 0.25}, {23, "end", 0}};
    const char *stations[5] = {"Aarau", "Bern", "Chur", "Genève", "Zürich"};
    int32_t iterations[STEPS];
    int8_t converged[STEPS];
    for (int s = 0; s < STEPS; s++) {
        iterations[s] = 40 - s;
        converged[s] = s != 11;
    }
    hid_t compact = plain_list();
    DO(H5Pset_layout(compact, H5D_COMPACT));
    hid_t type = event_type();
    put_plain(results, "events", type, type, 1, (const hsize_t[]){4}, events);
    DO(H5Tclose(type));
    DO(H5Dclose(put(results, "iterations", H5T_STD_I32LE, H5T_NATIVE_INT32,
                    space_of(1, (const hsize_t[]){STEPS}), compact, iterations)));
    type = bool_type();
    put_plain(results, "converged", type, type, 1, (const hsize_t[]){STEPS}, converged);
    DO(H5Tclose(type));
    type = text_type(H5T_VARIABLE);
    put_plain(results, "stations", type, type, 1, (const hsize_t[]){5}, stations);
    DO(H5Tclose(type));
}

static void put_counts(hid_t file)
{
    static uint16_t counts[200][60];
    const hsize_t dims[2] = {200, 60};
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned k = 0; k < 60; k++)
            counts[i][k] = (uint16_t)((i * 7 + k * k) % 1000);
    }
    hid_t raw = group(file, "raw");
    hid_t dcpl = chunked_list(2, (const hsize_t[]){1, 60});
    DO(H5Dclose(
        put(raw, "counts", H5T_STD_U16LE, H5T_NATIVE_UINT16, space_of(2, dims), dcpl, counts)));
    DO(H5Gclose(raw));
}

static void make_simulation(void)
{
    const int32_t version = 3;
    hid_t file = new_file("simulation.h5");
    text_attribute(file, "title", "heat in a plate");
    attribute(file, "version", H5T_STD_I32LE, H5T_NATIVE_INT32, space_of(0, NULL), &version);
    put_grid(file);
    hid_t results = group(file, "results");
    put_fields(results);
    put_tables(results);
    DO(H5Gclose(results));
    put_counts(file);
    DO(H5Fclose(file));
}

/* layouts.h5 */

#define N 64

static void put_layout(hid_t file, const char *name, hid_t dcpl, const int32_t *data)
{
    DO(H5Dclose(put(file, name, H5T_STD_I32LE, H5T_NATIVE_INT32,
                    space_of(2, (const hsize_t[]){N, N}), dcpl, data)));
}

static void put_filters(hid_t file, const int32_t *data)
{
    const hsize_t chunk[2] = {16, 16};
    hid_t dcpl = chunked_list(2, chunk);
    put_layout(file, "chunked", dcpl, data);
    dcpl = chunked_list(2, chunk);
    DO(H5Pset_deflate(dcpl, 9));
    put_layout(file, "gzip", dcpl, data);
    dcpl = chunked_list(2, chunk);
    DO(H5Pset_shuffle(dcpl));
    DO(H5Pset_deflate(dcpl, 4));
    put_layout(file, "shuffle_gzip", dcpl, data);
    dcpl = chunked_list(2, chunk);
    DO(H5Pset_fletcher32(dcpl));
    put_layout(file, "fletcher32", dcpl, data);
    dcpl = chunked_list(2, chunk);
    DO(H5Pset_scaleoffset(dcpl, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT));
    put_layout(file, "scaleoffset", dcpl, data);
    dcpl = chunked_list(2, chunk);
    DO(H5Pset_nbit(dcpl));
    put_layout(file, "nbit", dcpl, data);
}

static void put_resizable(hid_t file, const int32_t *data)
{
    const hsize_t dims[2] = {N, N};
    const hsize_t max[2] = {H5S_UNLIMITED, N};
    const int32_t fill = -1;
    hid_t dcpl = chunked_list(2, (const hsize_t[]){16, N});
    DO(H5Pset_fill_value(dcpl, H5T_NATIVE_INT32, &fill));
    hid_t d = put(file, "resizable", H5T_STD_I32LE, H5T_NATIVE_INT32,
                  DO(H5Screate_simple(2, dims, max)), dcpl, data);
    DO(H5Dset_extent(d, (const hsize_t[]){N + 8, N}));
    DO(H5Dclose(d));
}

static void put_elsewhere(hid_t file, const int32_t *data)
{
    const hsize_t dims[2] = {N, N};
    hid_t dcpl = plain_list();
    DO(H5Pset_external(dcpl, "layouts.raw", 0, (hsize_t)N * N * 4));
    put_layout(file, "external", dcpl, data);
    dcpl = plain_list();
    DO(H5Pset_external(dcpl, "/etc/hostname", 0, (hsize_t)N * N * 4));
    put_layout(file, "external_outside", dcpl, NULL);
    /* The two upper quarters of `chunked`, side by side swapped. */
    dcpl = plain_list();
    hid_t there = DO(H5Screate_simple(2, dims, NULL));
    hid_t here = DO(H5Screate_simple(2, (const hsize_t[]){N / 2, N}, NULL));
    for (hsize_t i = 0; i < 2; i++) {
        const hsize_t half[2] = {N / 2, N / 2};
        const hsize_t from[2] = {0, i * N / 2};
        const hsize_t to[2] = {0, (1 - i) * N / 2};
        DO(H5Sselect_hyperslab(there, H5S_SELECT_SET, from, NULL, half, NULL));
        DO(H5Sselect_hyperslab(here, H5S_SELECT_SET, to, NULL, half, NULL));
        DO(H5Pset_virtual(dcpl, here, ".", "/chunked", there));
    }
    DO(H5Dclose(put(file, "virtual", H5T_STD_I32LE, H5T_NATIVE_INT32, H5Scopy(here), dcpl, NULL)));
    DO(H5Sselect_all(here));
    DO(H5Sselect_hyperslab(there, H5S_SELECT_SET, (const hsize_t[]){0, 0}, NULL,
                           (const hsize_t[]){N / 2, N}, NULL));
    dcpl = plain_list();
    DO(H5Pset_virtual(dcpl, here, "other.h5", "/data", there));
    DO(H5Dclose(
        put(file, "virtual_other_file", H5T_STD_I32LE, H5T_NATIVE_INT32, here, dcpl, NULL)));
    DO(H5Sclose(there));
}

static void make_layouts(void)
{
    static int32_t data[N * N];
    const int32_t scalar = 42;
    for (int i = 0; i < N * N; i++)
        data[i] = i % 1000;
    hid_t fapl = DO(H5Pcreate(H5P_FILE_ACCESS));
    /* Virtual datasets need a newer format. */
    DO(H5Pset_libver_bounds(fapl, H5F_LIBVER_V110, H5F_LIBVER_V110));
    (void)unlink("layouts.h5");
    (void)unlink("layouts.raw");
    hid_t file = DO(H5Fcreate("layouts.h5", H5F_ACC_TRUNC, H5P_DEFAULT, fapl));
    DO(H5Pclose(fapl));
    put_layout(file, "contiguous", plain_list(), data);
    put_filters(file, data);
    put_resizable(file, data);
    put_elsewhere(file, data);
    hid_t compact = plain_list();
    DO(H5Pset_layout(compact, H5D_COMPACT));
    DO(H5Dclose(put(file, "compact", H5T_STD_I32LE, H5T_NATIVE_INT32,
                    space_of(1, (const hsize_t[]){N}), compact, data)));
    put_layout(file, "never_written", plain_list(), NULL);
    put_plain(file, "scalar", H5T_STD_I32LE, H5T_NATIVE_INT32, 0, NULL, &scalar);
    put_plain(file, "empty", H5T_STD_I32LE, H5T_NATIVE_INT32, 2, (const hsize_t[]){0, 5}, NULL);
    DO(H5Dclose(put(file, "null", H5T_STD_I32LE, H5T_NATIVE_INT32, DO(H5Screate(H5S_NULL)),
                    plain_list(), NULL)));
    hid_t dcpl = chunked_list(2, (const hsize_t[]){1000, 1000});
    DO(H5Dclose(put(file, "huge_unwritten", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                    space_of(2, (const hsize_t[]){10000000, 10000000}), dcpl, NULL)));
    DO(H5Fclose(file));
}

/* types.h5 */

static void put_numbers(hid_t file)
{
    const int64_t i[3] = {-2, 0, 100};
    const uint64_t u[3] = {0, 7, 200};
    const uint64_t large[2] = {UINT64_MAX, 9007199254740993U};
    const double r[5] = {0.1, -1.5, 65504, NAN, INFINITY};
    const hsize_t three[1] = {3};
    const hsize_t five[1] = {5};
    put_plain(file, "int8", H5T_STD_I8LE, H5T_NATIVE_INT64, 1, three, i);
    put_plain(file, "int16_be", H5T_STD_I16BE, H5T_NATIVE_INT64, 1, three, i);
    put_plain(file, "int32", H5T_STD_I32LE, H5T_NATIVE_INT64, 1, three, i);
    put_plain(file, "int64_be", H5T_STD_I64BE, H5T_NATIVE_INT64, 1, three, i);
    put_plain(file, "uint8", H5T_STD_U8LE, H5T_NATIVE_UINT64, 1, three, u);
    put_plain(file, "uint16", H5T_STD_U16LE, H5T_NATIVE_UINT64, 1, three, u);
    put_plain(file, "uint32_be", H5T_STD_U32BE, H5T_NATIVE_UINT64, 1, three, u);
    put_plain(file, "uint64", H5T_STD_U64LE, H5T_NATIVE_UINT64, 1, (const hsize_t[]){2}, large);
    put_plain(file, "float32", H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, 1, five, r);
    put_plain(file, "float64_be", H5T_IEEE_F64BE, H5T_NATIVE_DOUBLE, 1, five, r);
    put_plain(file, "long_double", H5T_NATIVE_LDOUBLE, H5T_NATIVE_DOUBLE, 1, five, r);
    hid_t half = DO(H5Tcopy(H5T_IEEE_F32LE));
    DO(H5Tset_fields(half, 15, 10, 5, 0, 10));
    DO(H5Tset_size(half, 2));
    DO(H5Tset_ebias(half, 15));
    put_plain(file, "float16", half, H5T_NATIVE_DOUBLE, 1, five, r);
    DO(H5Tclose(half));
    const uint8_t bits[3] = {1, 128, 255};
    put_plain(file, "bitfield", H5T_STD_B8LE, H5T_NATIVE_B8, 1, three, bits);
}

static void put_strings(hid_t file)
{
    const char fixed[3][8] = {"one", "two  ", "eightcha"};
    const char *vlen[3] = {"", "naïve", "line\nbreak, \"quoted\""};
    const char bad[2][4] = {{'a', (char)0xff, 'b', 0}, {'o', 'k', 0, 0}};
    static const H5T_str_t pads[3] = {H5T_STR_NULLTERM, H5T_STR_NULLPAD, H5T_STR_SPACEPAD};
    static const char *const names[3] = {"string_nullterm", "string_nullpad", "string_spacepad"};
    for (int k = 0; k < 3; k++) {
        hid_t type = text_type(8);
        DO(H5Tset_strpad(type, pads[k]));
        put_plain(file, names[k], type, type, 1, (const hsize_t[]){3}, fixed);
        DO(H5Tclose(type));
    }
    hid_t type = text_type(H5T_VARIABLE);
    put_plain(file, "string_vlen", type, type, 1, (const hsize_t[]){3}, vlen);
    DO(H5Tclose(type));
    type = text_type(4);
    put_plain(file, "string_not_utf8", type, type, 1, (const hsize_t[]){2}, bad);
    DO(H5Tclose(type));
}

struct inner {
    float x[2];
    int16_t flag;
};
struct outer {
    struct inner in;
    const char *label;
    int8_t ok;
};

static void put_compound(hid_t file)
{
    const struct outer rows[2] = {{{{1.5F, 2.5F}, 7}, "first", 1}, {{{-1, 0}, -7}, "second", 0}};
    const hsize_t two[1] = {2};
    hid_t array = DO(H5Tarray_create2(H5T_NATIVE_FLOAT, 1, two));
    hid_t in = DO(H5Tcreate(H5T_COMPOUND, sizeof(struct inner)));
    DO(H5Tinsert(in, "x", HOFFSET(struct inner, x), array));
    DO(H5Tinsert(in, "flag", HOFFSET(struct inner, flag), H5T_NATIVE_INT16));
    hid_t label = text_type(H5T_VARIABLE);
    hid_t ok = bool_type();
    hid_t out = DO(H5Tcreate(H5T_COMPOUND, sizeof(struct outer)));
    DO(H5Tinsert(out, "in", HOFFSET(struct outer, in), in));
    DO(H5Tinsert(out, "label", HOFFSET(struct outer, label), label));
    DO(H5Tinsert(out, "ok", HOFFSET(struct outer, ok), ok));
    put_plain(file, "compound", out, out, 1, two, rows);
    const float pairs[2][2] = {{1, 2}, {3, 4}};
    put_plain(file, "array", array, array, 1, two, pairs);
    const hid_t all[5] = {array, in, label, ok, out};
    for (int i = 0; i < 5; i++)
        DO(H5Tclose(all[i]));
}

static void put_others(hid_t file)
{
    int32_t numbers[3] = {1, 2, 3};
    const hvl_t sequences[2] = {{3, numbers}, {0, NULL}};
    const hsize_t two[1] = {2};
    hid_t type = DO(H5Tvlen_create(H5T_NATIVE_INT32));
    put_plain(file, "sequence", type, type, 1, two, sequences);
    DO(H5Tclose(type));
    type = DO(H5Tenum_create(H5T_NATIVE_INT16));
    const int16_t colours[3] = {-1, 5, 9};
    DO(H5Tenum_insert(type, "RED", &colours[0]));
    DO(H5Tenum_insert(type, "GREEN", &colours[1]));
    put_plain(file, "enum", type, type, 1, (const hsize_t[]){3}, colours);
    DO(H5Tcommit2(file, "colour", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Tclose(type));
    type = bool_type();
    const int8_t flags[2] = {1, 0};
    put_plain(file, "bool", type, type, 1, two, flags);
    DO(H5Tclose(type));
    type = DO(H5Tcreate(H5T_OPAQUE, 3));
    DO(H5Tset_tag(type, "three bytes"));
    put_plain(file, "opaque", type, type, 1, two, "\x00\x01\xff\x10\x20\x30");
    DO(H5Tclose(type));
    const int32_t moment[1] = {1700000000};
    put_plain(file, "time", H5T_UNIX_D32LE, H5T_UNIX_D32LE, 1, (const hsize_t[]){1}, moment);
    hobj_ref_t refs[2];
    memset(refs, 0, sizeof(refs));
    DO(H5Rcreate(&refs[0], file, "/int32", H5R_OBJECT, -1));
    put_plain(file, "reference", H5T_STD_REF_OBJ, H5T_STD_REF_OBJ, 1, two, refs);
    hdset_reg_ref_t region;
    hid_t space = space_of(1, (const hsize_t[]){3});
    DO(H5Sselect_hyperslab(space, H5S_SELECT_SET, (const hsize_t[]){1}, NULL, (const hsize_t[]){2},
                           NULL));
    DO(H5Rcreate(&region, file, "/int32", H5R_DATASET_REGION, space));
    DO(H5Sclose(space));
    put_plain(file, "region_reference", H5T_STD_REF_DSETREG, H5T_STD_REF_DSETREG, 0, NULL, &region);
}

static void put_attributes(hid_t file)
{
    const double reals[2][2] = {{1, 2}, {3, 4.5}};
    const char *words[2] = {"alpha", "béta"};
    static int32_t many[500];
    int32_t numbers[2] = {8, 9};
    const hvl_t sequence = {2, numbers};
    hid_t g = group(file, "attributes");
    text_attribute(g, "text", "some text");
    real_attribute(g, "real", 0.5);
    attribute(g, "table", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space_of(2, (const hsize_t[]){2, 2}),
              reals);
    hid_t type = text_type(H5T_VARIABLE);
    attribute(g, "words", type, type, space_of(1, (const hsize_t[]){2}), words);
    DO(H5Tclose(type));
    type = text_type(6);
    attribute(g, "fixed", type, type, space_of(0, NULL), "fixed");
    DO(H5Tclose(type));
    type = DO(H5Tvlen_create(H5T_NATIVE_INT32));
    attribute(g, "sequence", type, type, space_of(0, NULL), &sequence);
    DO(H5Tclose(type));
    type = event_type();
    const struct event e = {3, "spike", 1.25};
    attribute(g, "record", type, type, space_of(0, NULL), &e);
    DO(H5Tclose(type));
    attribute(g, "nothing", H5T_STD_I32LE, H5T_NATIVE_INT32, DO(H5Screate(H5S_NULL)), NULL);
    attribute(g, "many", H5T_STD_I32LE, H5T_NATIVE_INT32, space_of(1, (const hsize_t[]){500}),
              many);
    DO(H5Gclose(g));
}

static void make_types(void)
{
    hid_t file = new_file("types.h5");
    put_numbers(file);
    put_strings(file);
    put_compound(file);
    put_others(file);
    put_attributes(file);
    DO(H5Fclose(file));
}

/* links.h5 */

static void make_links(void)
{
    const int32_t values[3] = {1, 2, 3};
    hid_t file = new_file("links.h5");
    hid_t a = group(file, "a");
    hid_t b = group(a, "b");
    put_plain(b, "data", H5T_STD_I32LE, H5T_NATIVE_INT32, 1, (const hsize_t[]){3}, values);
    DO(H5Lcreate_hard(file, "/a/b/data", file, "hard", H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Lcreate_hard(file, "/a", b, "up", H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Lcreate_soft("/a/b", file, "soft", H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Lcreate_soft("/nowhere", file, "dangling", H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Lcreate_soft("/round", file, "round", H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Lcreate_external("simulation.h5", "/grid", file, "other", H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Lcreate_external("/etc/passwd", "/", file, "outside", H5P_DEFAULT, H5P_DEFAULT));
    DO(H5Gclose(b));
    DO(H5Gclose(a));
    DO(H5Fclose(file));
}

int main(int argc, char **argv)
{
    if (argc != 2 || chdir(argv[1]) != 0) {
        (void)fputs("usage: make_hdf5_samples DIR (an existing directory)\n", stderr);
        return 2;
    }
    DO(H5open());
    make_simulation();
    make_layouts();
    make_types();
    make_links();
    return 0;
}
