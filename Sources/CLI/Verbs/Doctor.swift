import ArgumentParser
import Attune
import Recipes

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what the program runs on, and what keeps it from running well.",
    discussion: """
      Libraries and their versions, instruction set, kernels in use, threads, memory and disk. Ends \
      with 69 if something required is missing; warnings cost speed or room alone.
      """)

  @OptionGroup var output: OutputOptions

  func run() throws {
    let found = diagnosis()
    if output.json {
      try Console.print(json: found)
    } else {
      for finding in found.findings {
        Console.print(columns(finding.name, finding.value, indent: 20))
        if let advice = finding.advice {
          Console.print(columns("  \(finding.status.rawValue)", advice + ".", indent: 20))
        }
      }
    }
    guard found.exitCode == .done else { throw ArgumentParser.ExitCode(found.exitCode.rawValue) }
  }
}
