import Attune
@main
struct Main {
  static func main() throws {
    let r = try verify(Array(CommandLine.arguments.dropFirst()))
    for c in r.cases { print(c.name, c.passed, c.compared, c.missing, c.maxRel, c.worst) }
    print(r.skipped.count, r.passed, r.failed)
  }
}
