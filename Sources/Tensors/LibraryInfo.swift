internal import COpenBLAS

/// The kernels that OpenBLAS runs on this machine, by the processor they were written for:
/// `SkylakeX`, `Haswell`, `Zen`.
package var openBLASCore: String {
  openblas_get_corename().map { String(cString: $0) } ?? "unknown"
}
