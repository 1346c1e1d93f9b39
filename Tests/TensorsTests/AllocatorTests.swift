import Tensors
import Testing

@Suite("Allocator", .serialized)
struct AllocatorTests {
  @Test(
    "rounds sizes up by at most an eighth above 512 bytes", arguments: [513, 1000, 4097, 99_999])
  func sizeClasses(bytes: Int) {
    let storage = Storage(byteCount: bytes)
    #expect(Int(bitPattern: storage.pointer) % 64 == 0)
  }

  @Test("makes no system allocation in a repeated computation")
  func recycles() {
    let x = Tensor(filledWith: 0.5, shape: [61, 67])
    func step() { _ = (x.gelu() * x).sum() }
    step()
    step()
    let before = Allocator.shared.statistics.systemAllocations
    for _ in 0..<20 { step() }
    // Other suites allocate at the same time; this computation alone would add at least 40.
    #expect(Allocator.shared.statistics.systemAllocations - before < 40)
  }

  @Test("gives a block back to the lane that it came from, whoever drops it")
  func lanes() {
    // No other suite takes blocks of this size.
    func address() -> UInt { UInt(bitPattern: Storage(byteCount: 12_345_679).pointer) }
    var storage: Storage? = Allocator.withLane(7) { Storage(byteCount: 12_345_679) }
    let first = storage.map { UInt(bitPattern: $0.pointer) }
    storage = nil
    #expect(address() != first)
    #expect(Allocator.withLane(7) { address() } == first)
    #expect(Allocator.withLane(8) { address() } != first)
  }
}
