/// A block of memory that one or more tensors share.
///
/// Safe to share between threads although unchecked: the address and size never change, the memory
/// is written only while a single owner holds it (an operation filling its result, an optimizer
/// updating a parameter between steps), and it returns to the allocator when the last tensor that
/// refers to it is gone.
package final class Storage: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  private let owner: (any AnyObject & Sendable)?
  /// Of the allocator, where the memory comes from it.
  private let lane: Int

  /// Uninitialised memory from the caching allocator.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    (pointer, lane) = Allocator.shared.take(byteCount: byteCount)
    owner = nil
  }

  /// Memory kept alive by `owner`, such as a mapped file; it is never written.
  package init(
    borrowing pointer: UnsafeMutableRawPointer, byteCount: Int, owner: any AnyObject & Sendable
  ) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.owner = owner
    lane = 0
  }

  deinit {
    if owner == nil { Allocator.shared.giveBack(pointer, byteCount: byteCount, lane: lane) }
  }
}
