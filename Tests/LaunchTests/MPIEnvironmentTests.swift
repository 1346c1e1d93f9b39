import Launch
import Testing

@Suite("Who started the process")
struct MPIEnvironmentTests {
  @Test("is told by Open MPI and by Slurm with PMIx")
  func started() throws {
    let byOpenMPI = try MPIEnvironment([
      "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    ])
    #expect(byOpenMPI?.count == 8 && byOpenMPI?.localCount == 4)
    let bySlurm = try MPIEnvironment([
      "PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "6", "SLURM_STEP_TASKS_PER_NODE": "3(x2)",
    ])
    #expect(bySlurm?.count == 6 && bySlurm?.localCount == 3)
  }

  @Test("is nobody for a process alone, also inside a job of Slurm")
  func alone() throws {
    #expect(try MPIEnvironment([:]) == nil)
    #expect(try MPIEnvironment(["OMPI_COMM_WORLD_SIZE": "1"]) == nil)
    #expect(try MPIEnvironment(["SLURM_STEP_NUM_TASKS": "4"]) == nil)
    #expect(try MPIEnvironment(["PMI_SIZE": "1"]) == nil)
  }

  @Test("is refused where each rank would run alone")
  func foreign() {
    #expect(throws: MPIError.foreign(count: 4)) { try MPIEnvironment(["PMI_SIZE": "4"]) }
    #expect("\(MPIError.foreign(count: 4))".contains("Open MPI"))
  }
}
