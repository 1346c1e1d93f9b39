// Functions of GDAL under their own names, each a jump into the library, which is loaded when needed.
#include "CGDAL.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// F(count of arguments, result, name, types of arguments), held against the headers by the compiler.
#define FUNCTIONS(F)                                                                             \
  F(0, void, CPLErrorReset, void)                                                                \
  F(0, const char *, CPLGetLastErrorMsg, void)                                                   \
  F(0, CPLErr, CPLGetLastErrorType, void)                                                        \
  F(0, void, CPLPopErrorHandler, void)                                                           \
  F(1, void, CPLPushErrorHandler, CPLErrorHandler)                                               \
  F(3, void, CPLQuietErrorHandler, CPLErr, CPLErrorNum, const char *)                            \
  F(1, int, CSLCount, CSLConstList)                                                              \
  F(1, void, CSLDestroy, char **)                                                                \
  F(0, void, GDALAllRegister, void)                                                              \
  F(1, void, GDALClose, GDALDatasetH)                                                            \
  F(7, GDALDatasetH, GDALCreate, GDALDriverH, const char *, int, int, int, GDALDataType,         \
    CSLConstList)                                                                                \
  F(1, GDALColorTableH, GDALCreateColorTable, GDALPaletteInterp)                                 \
  F(16, CPLErr, GDALDatasetRasterIOEx, GDALDatasetH, GDALRWFlag, int, int, int, int, void *,     \
    int, int, GDALDataType, int, int *, GSpacing, GSpacing, GSpacing, GDALRasterIOExtraArg *)    \
  F(1, void, GDALDestroyColorTable, GDALColorTableH)                                             \
  F(3, int, GDALGetColorEntryAsRGB, GDALColorTableH, int, GDALColorEntry *)                      \
  F(1, int, GDALGetColorEntryCount, GDALColorTableH)                                             \
  F(1, const char *, GDALGetDataTypeName, GDALDataType)                                          \
  F(1, GDALDriverH, GDALGetDatasetDriver, GDALDatasetH)                                          \
  F(1, const char *, GDALGetDescription, GDALMajorObjectH)                                       \
  F(1, GDALDriverH, GDALGetDriverByName, const char *)                                           \
  F(1, const char *, GDALGetDriverShortName, GDALDriverH)                                        \
  F(1, int, GDALGetGCPCount, GDALDatasetH)                                                       \
  F(1, OGRSpatialReferenceH, GDALGetGCPSpatialRef, GDALDatasetH)                                 \
  F(1, const GDAL_GCP *, GDALGetGCPs, GDALDatasetH)                                              \
  F(2, CPLErr, GDALGetGeoTransform, GDALDatasetH, double *)                                      \
  F(2, char **, GDALGetMetadata, GDALMajorObjectH, const char *)                                 \
  F(3, const char *, GDALGetMetadataItem, GDALMajorObjectH, const char *, const char *)          \
  F(2, GDALRasterBandH, GDALGetRasterBand, GDALDatasetH, int)                                    \
  F(1, GDALColorTableH, GDALGetRasterColorTable, GDALRasterBandH)                                \
  F(1, int, GDALGetRasterCount, GDALDatasetH)                                                    \
  F(1, GDALDataType, GDALGetRasterDataType, GDALRasterBandH)                                     \
  F(2, double, GDALGetRasterNoDataValue, GDALRasterBandH, int *)                                 \
  F(2, double, GDALGetRasterOffset, GDALRasterBandH, int *)                                      \
  F(2, double, GDALGetRasterScale, GDALRasterBandH, int *)                                       \
  F(1, int, GDALGetRasterXSize, GDALDatasetH)                                                    \
  F(1, int, GDALGetRasterYSize, GDALDatasetH)                                                    \
  F(1, OGRSpatialReferenceH, GDALGetSpatialRef, GDALDatasetH)                                    \
  F(5, GDALDatasetH, GDALOpenEx, const char *, unsigned int, const char *const *,                \
    const char *const *, const char *const *)                                                    \
  F(1, void, GDALSetCacheMax64, GIntBig)                                                         \
  F(3, void, GDALSetColorEntry, GDALColorTableH, int, const GDALColorEntry *)                    \
  F(2, void, GDALSetDescription, GDALMajorObjectH, const char *)                                 \
  F(4, CPLErr, GDALSetGCPs2, GDALDatasetH, int, const GDAL_GCP *, OGRSpatialReferenceH)          \
  F(2, CPLErr, GDALSetGeoTransform, GDALDatasetH, double *)                                      \
  F(4, CPLErr, GDALSetMetadataItem, GDALMajorObjectH, const char *, const char *, const char *)  \
  F(2, CPLErr, GDALSetRasterColorTable, GDALRasterBandH, GDALColorTableH)                        \
  F(2, CPLErr, GDALSetRasterNoDataValue, GDALRasterBandH, double)                                \
  F(2, CPLErr, GDALSetSpatialRef, GDALDatasetH, OGRSpatialReferenceH)                            \
  F(1, const char *, GDALVersionInfo, const char *)                                              \
  F(4, CPLErr, GDALWriteBlock, GDALRasterBandH, int, int, void *)                                \
  F(1, void, OSRDestroySpatialReference, OGRSpatialReferenceH)                                   \
  F(3, OGRErr, OSRExportToWktEx, OGRSpatialReferenceH, char **, const char *const *)             \
  F(2, double, OSRGetLinearUnits, OGRSpatialReferenceH, char **)                                 \
  F(2, OGRErr, OSRImportFromEPSG, OGRSpatialReferenceH, int)                                     \
  F(2, OGRErr, OSRImportFromWkt, OGRSpatialReferenceH, char **)                                  \
  F(1, int, OSRIsProjected, OGRSpatialReferenceH)                                                \
  F(1, OGRSpatialReferenceH, OSRNewSpatialReference, const char *)                               \
  F(2, void, OSRSetAxisMappingStrategy, OGRSpatialReferenceH, OSRAxisMappingStrategy)            \
  F(1, int, VSIFCloseL, VSILFILE *)                                                              \
  F(4, VSILFILE *, VSIFileFromMemBuffer, const char *, GByte *, vsi_l_offset, int)               \
  F(1, void, VSIFree, void *)                                                                    \
  F(1, void *, VSIMalloc, size_t)                                                                \
  F(1, char **, VSIReadDir, const char *)                                                        \
  F(1, int, VSIUnlink, const char *)

#define INDEX(count, R, name, ...) AT_##name,
enum { FUNCTIONS(INDEX) FUNCTION_COUNT };

#define NAME(count, R, name, ...) #name,
static const char *const names[] = {FUNCTIONS(NAME)};

static void *functions[FUNCTION_COUNT];
static char problem[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

// The file is named by the interface that the headers describe: libgdal.so.32 for 3.6, .33 for 3.7.
static void load(void) {
  char file[32];
  snprintf(file, sizeof file, "libgdal.so.%d", GDAL_VERSION_MINOR + 26);
  void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    snprintf(problem, sizeof problem, "%s", dlerror());
    library = dlopen("libgdal.so", RTLD_LAZY | RTLD_LOCAL);
    if (!library) return;
    problem[0] = 0;
  }
  for (int i = 0; i < FUNCTION_COUNT; i++) {
    functions[i] = dlsym(library, names[i]);
    if (!functions[i]) {
      snprintf(problem, sizeof problem, "the GDAL that was found has no %s", names[i]);
      return;
    }
  }
}

const char *attune_gdal_load(void) {
  pthread_once(&once, load);
  return problem[0] ? problem : NULL;
}

static void *function(int index) {
  if (!functions[index]) {
    fprintf(stderr, "%s was called before GDAL was loaded\n", names[index]);
    abort();
  }
  return functions[index];
}

#define CALL(name) ((__typeof__(&name))function(AT_##name))
#define STUB(count, R, name, ...) STUB##count(R, name, __VA_ARGS__)
#define STUB0(R, name, V) \
  R name(V) { return CALL(name)(); }
#define STUB1(R, name, A) \
  R name(A a) { return CALL(name)(a); }
#define STUB2(R, name, A, B) \
  R name(A a, B b) { return CALL(name)(a, b); }
#define STUB3(R, name, A, B, C) \
  R name(A a, B b, C c) { return CALL(name)(a, b, c); }
#define STUB4(R, name, A, B, C, D) \
  R name(A a, B b, C c, D d) { return CALL(name)(a, b, c, d); }
#define STUB5(R, name, A, B, C, D, E) \
  R name(A a, B b, C c, D d, E e) { return CALL(name)(a, b, c, d, e); }
#define STUB7(R, name, A, B, C, D, E, F, G) \
  R name(A a, B b, C c, D d, E e, F f, G g) { return CALL(name)(a, b, c, d, e, f, g); }
#define STUB16(R, name, A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P)                       \
  R name(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m, N n, O o, P p) {    \
    return CALL(name)(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);                        \
  }

FUNCTIONS(STUB)
