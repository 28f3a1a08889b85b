// HDF5's constants are macros over globals that are filled when the library starts; Swift can import neither. One function per macro stands for them.
#ifndef UNMASK_CHDF5_SHIM_H
#define UNMASK_CHDF5_SHIM_H

#include <hdf5.h>

static inline hid_t unmask_int8(void) { return H5T_STD_I8LE; }
static inline hid_t unmask_uint8(void) { return H5T_STD_U8LE; }
static inline hid_t unmask_int32(void) { return H5T_STD_I32LE; }
static inline hid_t unmask_int64(void) { return H5T_STD_I64LE; }
static inline hid_t unmask_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t unmask_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t unmask_native_int8(void) { return H5T_NATIVE_SCHAR; }
static inline hid_t unmask_native_uint8(void) { return H5T_NATIVE_UCHAR; }
static inline hid_t unmask_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t unmask_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t unmask_native_float32(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t unmask_native_float64(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t unmask_c_string(void) { return H5T_C_S1; }
static inline size_t unmask_variable(void) { return H5T_VARIABLE; }

static inline hid_t unmask_default(void) { return H5P_DEFAULT; }
static inline hid_t unmask_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t unmask_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t unmask_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t unmask_dataset_transfer(void) { return H5P_DATASET_XFER; }
static inline hid_t unmask_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t unmask_whole(void) { return H5S_ALL; }
static inline hid_t unmask_error_stack(void) { return H5E_DEFAULT; }
static inline unsigned unmask_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned unmask_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned unmask_read_write(void) { return H5F_ACC_RDWR; }

static inline unsigned unmask_deflate(void) { return (unsigned)H5Z_FILTER_DEFLATE; }
static inline unsigned unmask_shuffle(void) { return (unsigned)H5Z_FILTER_SHUFFLE; }

// Whether a link is a plain one: not soft, not external, not of a user's class.
static inline int unmask_is_hard_link(hid_t place, const char *name) {
  H5L_info_t info;
  return H5Lget_info(place, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}

#endif
