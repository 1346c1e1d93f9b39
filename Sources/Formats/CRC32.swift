import CZlib

/// CRC-32 of the zip format (ISO 3309).
func crc32Checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
  UInt32(
    truncatingIfNeeded: crc32_z(
      0, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count))
}
