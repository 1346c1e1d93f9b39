import ArgumentParser
import Attune

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predict from the first frames of new data.",
    usage: "attune predict <run> <inputs> ... --output <output> [<options>]",
    discussion: """
      Each input is compared with what the run was trained on: fields, components, grid, time step, \
      spacing, range of values. A difference is refused with its name, which --accept lets pass; the \
      output then says so. Predictions are laid out like their input.
      """)

  @Argument(help: ArgumentHelp("A run directory.", valueName: "run"))
  var directory: String

  @Argument(help: "HDF5 files in the format of the run's data.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: "Folder for <input>_prediction.hdf5.")
  var output: String

  @Option(
    help: ArgumentHelp("Let a difference pass that a refusal names.", valueName: "name"))
  var accept: [String] = []

  @Option(help: "Predicted frames (eval.rollout_steps).")
  var steps: Int?

  @Option(help: "The data set that inputs are like, for a run trained on several.")
  var source: String?

  @Flag(help: "Write which share of cells lies outside the training range.")
  var ood = false

  @Flag(help: "Replace existing predictions.")
  var force = false

  @OptionGroup var results: OutputOptions

  func run() throws {
    var request = PredictRequest(run: directory, inputs: inputs, output: output)
    request.accepted = accept
    request.steps = steps
    request.source = source
    request.marksOutliers = ood
    request.replaces = force
    let predictions = try predict(request)
    if results.json { return try Console.print(json: predictions) }
    for prediction in predictions {
      for difference in prediction.accepted { Console.error("accepted \(difference)") }
      if let share = prediction.largestOutlierShare {
        Console.print("ood     \(shortFigure(share)) of a frame's cells at most")
      }
      Console.print("data    \(prediction.output)")
    }
  }
}
