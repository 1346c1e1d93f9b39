import Launch
import Recipes
import Tensors

/// Version of the program.
package let programVersion = "0.1.0"

/// Machine and libraries of a run, as `environment.json` and reports show them.
func runEnvironment(threads: Int) -> RunRecord.Environment {
  let machine = MachineInfo.current
  var libraries = ["OpenBLAS": openBLASDescription]
  if let version = oneDNNVersion { libraries["oneDNN"] = version }
  return RunRecord.Environment(
    host: machine.host, system: machine.system, processor: machine.processor,
    instructionSet: kernelInstructionSet, threads: threads, libraries: libraries)
}
