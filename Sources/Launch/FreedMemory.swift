internal import Glibc

/// Gives memory that was freed, but that the C library keeps for later, back to the system.
package func returnFreedMemory() {
  // The header that declares malloc_trim is not part of Swift's Glibc module.
  guard let symbol = dlsym(nil, "malloc_trim") else { return }
  typealias Trim = @convention(c) (Int) -> Int32
  _ = unsafeBitCast(symbol, to: Trim.self)(0)
}
