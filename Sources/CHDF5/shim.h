#include <hdf5.h>

// libhdf5 spells many constants as macros that run code (they open the library first); a Swift
// caller needs functions.
static inline hid_t hdf5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t hdf5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t hdf5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t hdf5_ieee_f32le(void) { return H5T_IEEE_F32LE; }
static inline hid_t hdf5_ieee_f64le(void) { return H5T_IEEE_F64LE; }
static inline hid_t hdf5_c_string(void) { return H5T_C_S1; }
static inline size_t hdf5_variable_size(void) { return H5T_VARIABLE; }
static inline hid_t hdf5_dataset_create_class(void) { return H5P_DATASET_CREATE; }
static inline hid_t hdf5_link_create_class(void) { return H5P_LINK_CREATE; }
static inline hid_t hdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t hdf5_error_stack(void) { return H5E_DEFAULT; }
static inline hid_t hdf5_all(void) { return H5S_ALL; }
static inline unsigned hdf5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned hdf5_create_new(void) { return H5F_ACC_EXCL; }
static inline hid_t hdf5_every_file(void) { return (hid_t)H5F_OBJ_ALL; }
static inline unsigned hdf5_every_object(void) { return H5F_OBJ_ALL; }
static inline unsigned hdf5_optional_filter(void) { return H5Z_FLAG_OPTIONAL; }
static inline unsigned hdf5_filter_reversed(void) { return H5Z_FLAG_REVERSE; }
static inline hid_t hdf5_file_access_class(void) { return H5P_FILE_ACCESS; }
static inline haddr_t hdf5_no_address(void) { return HADDR_UNDEF; }
