internal import Glibc

/// Open MPI's library, opened when it is needed, so that the program runs without it.
///
/// Its handles are addresses of its own objects. The calls are those of the standard (MPI 3.1,
/// chapters 5 and 8); they are made from one thread at a time.
struct MPILibrary: Sendable {
  typealias Handle = UnsafeMutableRawPointer
  typealias Counts = UnsafePointer<Int32>
  typealias InitThread =
    @Sendable @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32, UnsafeMutablePointer<Int32>
    ) -> Int32
  typealias Ask = @Sendable @convention(c) (Handle, UnsafeMutablePointer<Int32>) -> Int32
  typealias Finalize = @Sendable @convention(c) () -> Int32
  typealias Abort = @Sendable @convention(c) (Handle, Int32) -> Int32
  typealias ExchangeAll =
    @Sendable @convention(c) (
      UnsafeRawPointer?, Counts, Counts, Handle, UnsafeMutableRawPointer?, Counts, Counts, Handle,
      Handle, UnsafeMutablePointer<Handle?>
    ) -> Int32
  typealias GatherAll =
    @Sendable @convention(c) (
      UnsafeRawPointer?, Int32, Handle, UnsafeMutableRawPointer?, Counts, Counts, Handle, Handle,
      UnsafeMutablePointer<Handle?>
    ) -> Int32
  typealias Test =
    @Sendable @convention(c) (
      UnsafeMutablePointer<Handle?>, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer?
    ) -> Int32

  let initThread: InitThread
  let finalize: Finalize
  let abort: Abort
  let rank: Ask
  let size: Ask
  let exchangeAll: ExchangeAll
  let gatherAll: GatherAll
  let test: Test
  private let worldAddress: UInt
  private let byteAddress: UInt

  /// All processes of the job.
  var world: Handle { Self.handle(worldAddress) }
  var byte: Handle { Self.handle(byteAddress) }

  private static func handle(_ address: UInt) -> Handle {
    guard let handle = Handle(bitPattern: address) else { preconditionFailure("a null handle") }
    return handle
  }

  /// Level at which any thread may call, one at a time.
  static let serialized: Int32 = 2

  private static let names = ["libmpi.so.40", "libmpi.so"]

  /// - Throws: `MPIError`.
  init() throws(MPIError) {
    // Its plug-ins look for its symbols among those of the whole program.
    guard let library = Self.names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_GLOBAL) }).first
    else { throw .noLibrary(tried: Self.names) }
    func symbol(_ name: String) throws(MPIError) -> Handle {
      guard let address = dlsym(library, name) else {
        throw .unusable(
          library: Self.names[0], reason: "has no \(name), so it is not Open MPI's library")
      }
      return address
    }
    worldAddress = UInt(bitPattern: try symbol("ompi_mpi_comm_world"))
    byteAddress = UInt(bitPattern: try symbol("ompi_mpi_byte"))
    initThread = unsafeBitCast(try symbol("MPI_Init_thread"), to: InitThread.self)
    finalize = unsafeBitCast(try symbol("MPI_Finalize"), to: Finalize.self)
    abort = unsafeBitCast(try symbol("MPI_Abort"), to: Abort.self)
    rank = unsafeBitCast(try symbol("MPI_Comm_rank"), to: Ask.self)
    size = unsafeBitCast(try symbol("MPI_Comm_size"), to: Ask.self)
    exchangeAll = unsafeBitCast(try symbol("MPI_Ialltoallv"), to: ExchangeAll.self)
    gatherAll = unsafeBitCast(try symbol("MPI_Iallgatherv"), to: GatherAll.self)
    test = unsafeBitCast(try symbol("MPI_Test"), to: Test.self)
  }
}
