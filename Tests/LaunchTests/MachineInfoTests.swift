import Foundation
import Launch
import TestSupport
import Testing

@Suite("The machine")
struct MachineInfoTests {
  @Test("is described without gaps")
  func current() throws {
    let machine = MachineInfo.current
    #expect(!machine.host.isEmpty)
    #expect(machine.system.contains("Linux"))
    #expect(machine.processor != "unknown")
    #expect((1...ProcessInfo.processInfo.processorCount).contains(machine.processorCount))
    #expect(machine.memoryBytes > 1 << 26)
    let copy = try JSONDecoder().decode(MachineInfo.self, from: JSONEncoder().encode(machine))
    #expect(copy == machine)
  }

  @Test("is read from the files that Linux offers")
  func files() throws {
    let root = try TemporaryDirectory()
    try root.write(
      "processor\t: 0\nmodel name\t: Example 9000\nflags\t\t: fpu avx2 sse4_2 avx512f\n\n"
        + "processor\t: 1\nmodel name\t: Other\n", to: "proc/cpuinfo")
    try root.write("MemTotal:       24684096 kB\nMemFree: 1 kB\n", to: "proc/meminfo")
    try root.write("Cpus_allowed_list:\t0-2,8\n", to: "proc/self/status")
    try root.write("node7\n", to: "proc/sys/kernel/hostname")
    try root.write("6.1.0-1\n", to: "proc/sys/kernel/osrelease")
    try root.write("ID=debian\nPRETTY_NAME=\"Debian 12\"\n", to: "etc/os-release")
    try root.write("0::/job/step\n", to: "proc/self/cgroup")
    try root.write("max\n", to: "sys/fs/cgroup/job/step/memory.max")
    try root.write("4294967296\n", to: "sys/fs/cgroup/job/memory.max")
    try root.write("150000 100000\n", to: "sys/fs/cgroup/job/step/cpu.max")
    try root.write("max 100000\n", to: "sys/fs/cgroup/job/cpu.max")
    let machine = MachineInfo(root: root.path)
    #expect(machine.host == "node7")
    #expect(machine.system == "Debian 12 Linux 6.1.0-1")
    #expect(machine.processor == "Example 9000")
    #expect(machine.processorCount == 4)
    #expect(machine.memoryBytes == 24_684_096 * 1024)
    #expect(machine.instructionSets == ["sse4_2", "avx2", "avx512f"])
    #expect(machine.memoryLimitBytes == 4_294_967_296)
    #expect(machine.processorLimit == 1.5)
  }

  @Test("has limits in the first version of control groups too, where -1 and huge mean none")
  func firstVersion() throws {
    let root = try TemporaryDirectory()
    try root.write("4:memory:/job\n3:cpu,cpuacct:/job\n", to: "proc/self/cgroup")
    try root.write("9223372036854771712\n", to: "sys/fs/cgroup/memory/job/memory.limit_in_bytes")
    try root.write("-1\n", to: "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us")
    try root.write("100000\n", to: "sys/fs/cgroup/cpu/job/cpu.cfs_period_us")
    #expect(ControlGroupLimits(root: root.path).memoryBytes == nil)
    #expect(ControlGroupLimits(root: root.path).processors == nil)
    try root.write("1048576\n", to: "sys/fs/cgroup/memory/memory.limit_in_bytes")
    try root.write("50000\n", to: "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us")
    #expect(ControlGroupLimits(root: root.path).memoryBytes == 1_048_576)
    #expect(ControlGroupLimits(root: root.path).processors == 0.5)
  }

  @Test("says so where it knows nothing")
  func nothing() throws {
    let machine = MachineInfo(root: try TemporaryDirectory().path)
    #expect(machine.processor == "unknown")
    #expect(machine.memoryBytes == 0)
    #expect(machine.memoryLimitBytes == nil)
  }

  @Test("peak memory follows what is used")
  func peakMemory() async {
    await #expect(processExitsWith: .exitCode(0)) {
      let before = peakResidentBytes()
      let size = 64 << 20
      let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
      block.initializeMemory(as: UInt8.self, repeating: 1, count: size)
      let after = peakResidentBytes()
      block.deallocate()
      let grown = after - before
      exit(before > 0 && grown > size / 2 && grown < 2 * size ? 0 : 1)
    }
  }
}
