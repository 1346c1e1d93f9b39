// The part of GDAL's C interface that rasters are read and written by.
//
// The library is loaded when it is needed, not with the program: it brings a hundred others, and binding
// their symbols takes longer than most of what a run does before its first step.
#pragma once

#include <gdal/cpl_conv.h>
#include <gdal/cpl_error.h>
#include <gdal/cpl_string.h>
#include <gdal/cpl_vsi.h>
#include <gdal/gdal.h>
#include <gdal/ogr_srs_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Loads the library, once for the process; any thread may call it at any time.
///
/// No function of the library may be called before it has succeeded.
///
/// @return NULL, or what is wrong: the library or one of its functions is not there.
const char *attune_gdal_load(void);

#ifdef __cplusplus
}
#endif
