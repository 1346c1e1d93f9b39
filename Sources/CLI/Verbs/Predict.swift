import ArgumentParser
import Attune

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predict from new data: rasters, pictures, or first frames of fields.",
    usage: "attune predict <run> <inputs> ... --output <output> [<options>]",
    discussion: """
      Each input is compared with what the run was trained on: bands and their centers, pixel size, \
      range of values; for fields components, grid, time step, spacing. A difference is refused with \
      its name, which --accept lets pass; the output then says so. Maps become GeoTIFF with the input's \
      coordinates (classes also a picture with a legend, and areas), restored pictures PNG, answers \
      for whole samples one CSV, fields HDF5 laid out like their input. A run with several inputs \
      takes NAME=FILE,NAME=FILE.
      """)

  @Argument(help: ArgumentHelp("A run directory.", valueName: "run"))
  var directory: String

  @Argument(help: "Files in the format of the run's data.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: "Folder for <input>_prediction.* or predictions.csv.")
  var output: String

  @Option(
    help: ArgumentHelp("Let a difference pass that a refusal names.", valueName: "name"))
  var accept: [String] = []

  @Option(help: "Predicted frames of fields (eval.rollout_steps).")
  var steps: Int?

  @Option(help: "The data set that inputs are like, for a run trained on several.")
  var source: String?

  @Flag(help: "Write which share of bands or cells lies outside the training range.")
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
        Console.print("ood     \(shortFigure(share)) outside the training range")
      }
      Console.print("data    \(prediction.output)")
      for file in prediction.files { Console.print("        \(file)") }
    }
  }
}
