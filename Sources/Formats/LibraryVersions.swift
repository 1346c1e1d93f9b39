internal import CHDF5
internal import CPNG
internal import CZlib
internal import CZstd

/// Versions of the C libraries that read and write files, as they are loaded, by name.
package var formatLibraryVersions: [(name: String, version: String)] {
  var hdf5: (UInt32, UInt32, UInt32) = (0, 0, 0)
  HDF5Library.locked { _ = H5get_libversion(&hdf5.0, &hdf5.1, &hdf5.2) }
  return [
    ("GDAL", GDAL.version),
    ("HDF5", "\(hdf5.0).\(hdf5.1).\(hdf5.2)"),
    ("libpng", png_get_libpng_ver(nil).map { String(cString: $0) } ?? "unknown"),
    ("zstd", String(cString: ZSTD_versionString())),
    ("zlib", zlibVersion().map { String(cString: $0) } ?? "unknown"),
  ]
}

/// Those of the named GDAL drivers that the loaded library does not have.
package func missingRasterDrivers(of names: [String]) -> [String] {
  GDAL.missingDrivers(of: names)
}
