// The same from C++, through the Arrow stream.
#include <lnc/lnc.h>

#include <cstdio>

int main(int argc, char **argv)
{
    lnc_error err;
    lnc_dataset *ds = nullptr;
    ArrowArrayStream stream;
    ArrowArray array;
    long long n_rows = 0;
    if (argc != 2 || lnc_open(argv[1], nullptr, nullptr, &ds, &err) != LNC_OK)
        return 1;
    if (lnc_arrow_stream(ds, nullptr, &stream, &err) != LNC_OK)
        return 1;
    while (stream.get_next(&stream, &array) == 0 && array.release != nullptr) {
        n_rows += array.length;
        array.release(&array);
    }
    stream.release(&stream);
    lnc_dataset_close(ds);
    std::printf("%lld\n", n_rows);
    return 0;
}
