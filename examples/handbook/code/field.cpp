// A field on a regular grid with the C++ interface (H5Cpp.h): objects close themselves, errors are exceptions.
#include <H5Cpp.h>

#include <array>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

// Writes a chunked, compressed dataset and its units.
void save_field(const std::string &path, const std::vector<double> &values, hsize_t ny, hsize_t nx)
{
    if (values.size() != ny * nx) {
        throw std::invalid_argument("values do not fill the grid");
    }
    const std::array<hsize_t, 2> extent{ny, nx};
    const std::array<hsize_t, 2> chunk{ny < 64 ? ny : 64, nx < 64 ? nx : 64};

    H5::DSetCreatPropList properties;
    properties.setChunk(2, chunk.data());
    properties.setShuffle();
    properties.setDeflate(4);

    H5::H5File file(path, H5F_ACC_TRUNC);
    H5::DataSpace space(2, extent.data());
    H5::DataSet dataset = file.createDataSet("field", H5::PredType::IEEE_F64LE, space, properties);
    dataset.write(values.data(), H5::PredType::NATIVE_DOUBLE);

    H5::StrType text(H5::PredType::C_S1, 8);
    dataset.createAttribute("units", text, H5::DataSpace(H5S_SCALAR)).write(text, std::string("m/s"));
}

// Reads one column: a hyperslab of the file into a one-dimensional memory space.
std::vector<double> load_column(const std::string &path, hsize_t column)
{
    H5::H5File file(path, H5F_ACC_RDONLY);
    H5::DataSet dataset = file.openDataSet("field");
    H5::DataSpace space = dataset.getSpace();
    std::array<hsize_t, 2> extent{};
    space.getSimpleExtentDims(extent.data());
    if (column >= extent[1]) {
        throw std::out_of_range("no such column");
    }

    const std::array<hsize_t, 2> start{0, column};
    const std::array<hsize_t, 2> count{extent[0], 1};
    space.selectHyperslab(H5S_SELECT_SET, count.data(), start.data());
    H5::DataSpace memory(1, extent.data());
    std::vector<double> values(extent[0]);
    dataset.read(values.data(), H5::PredType::NATIVE_DOUBLE, memory, space);
    return values;
}

int main()
{
    H5::Exception::dontPrint(); // the exception carries the message
    try {
        save_field("field.h5", std::vector<double>(128 * 256, 1.5), 128, 256);
        const std::vector<double> column = load_column("field.h5", 10);
        std::cout << column.size() << " values, the first is " << column.front() << '\n';
    } catch (const H5::Exception &error) {
        std::cerr << error.getFuncName() << ": " << error.getDetailMsg() << '\n';
        return 1;
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
