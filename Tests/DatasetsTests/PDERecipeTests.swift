import Datasets
import Foundation
import Recipes
import TestSupport
import Testing

@Suite("PDE data from a recipe")
struct PDERecipeTests {
  /// The data section of a recipe, indented under `data:`.
  private func section(_ data: String, _ diagnostics: Diagnostics) throws -> DataSection {
    let text = """
      version: 1
      name: test
      task: pde
      model: {backbone: morph, weights: none}
      train: {epochs: 1, optimizer: {name: adamw, lr: 1e-3}}
      data:

      """
    let indented = data.split(separator: "\n").map { "  \($0)\n" }.joined()
    return try RecipeLoader(environment: [:]).load(
      text: text + indented, source: "test.yaml", directory: "/data", diagnostics
    ).data
  }

  private func read(_ data: String) throws -> (PDEDataOptions?, [String]) {
    let diagnostics = Diagnostics()
    let section = try section(data, diagnostics)
    try diagnostics.throwErrors()
    let options = PDEDataOptions(section, diagnostics)
    return (options, diagnostics.errors.map { "\($0.path): \($0.problem)" })
  }

  @Test("reads the PDE example of the contract")
  func example() throws {
    let (read, errors) = try read(
      """
      format: pdebench
      root: pde
      inputs:
        state: {path: 1D_CFD.hdf5, fields: [Vx, density, pressure], normalize: per-trajectory}
      n_steps_input: 2
      n_steps_output: 1
      reduced_resolution: 2
      split: {method: trajectory, fractions: [0.8, 0.1, 0.1], seed: 7, generator: numpy-legacy, limit: {train: 0.5, val: 3}}
      batch_size: 8
      """)
    #expect(errors.isEmpty)
    let options = try #require(read)
    #expect(options.format.name == "pdebench")
    #expect(options.root == "/data/pde")
    #expect(options.files == "1D_CFD.hdf5")
    #expect(options.fields == ["Vx", "density", "pressure"].map { FieldRequest($0) })
    #expect(options.normalization == .perTrajectory)
    #expect(options.inputFrames == 2)
    #expect(options.thinning == Thinning(space: 2))
    #expect(
      options.split
        == .trajectories(
          TrajectorySplit(
            .fractions([0.8, 0.1, 0.1]), seed: 7, generator: .numpyLegacy,
            limits: [.train: .share(0.5), .val: .count(3)])))
  }

  @Test("reads vectors, given statistics, and files per part")
  func vectors() throws {
    let (read, errors) = try read(
      """
      format: the-well
      root: mhd
      inputs:
        state:
          fields: [{name: B, components: [magnetic_field_x, magnetic_field_y]}, density]
          stats: {means: [0, 1], stds: [1, 2]}
      split: {method: files, train: train, val: 0.1, test: "test/*.hdf5"}
      """)
    #expect(errors.isEmpty)
    let options = try #require(read)
    #expect(options.normalization == .zscore)
    #expect(options.statistics == .init(means: [0, 1], stds: [1, 2]))
    #expect(
      options.fields == [
        FieldRequest("B", components: ["magnetic_field_x", "magnetic_field_y"]),
        FieldRequest("density"),
      ])
    #expect(
      options.split
        == .files(FileSplit(train: "train", validation: .shareOfTrain(0.1), test: "test/*.hdf5")))
  }

  @Test(
    "refuses what means nothing for PDE data",
    arguments: [
      ("inputs: {state: {bands: [1]}}", "data.inputs.state.bands"),
      ("inputs: {state: {normalize: two-sigma}}", "data.inputs.state.normalize"),
      ("inputs: {a: {}, b: {}}", "data.inputs.b"),
      ("inputs: {state: {months: [1]}}", "data.inputs.state.months"),
      ("inputs: {state: {normalize: none, stats: {means: [0], stds: [1]}}}", "stats"),
      ("n_steps_output: 2", "data.n_steps_output"),
      ("n_steps_input: 0", "data.n_steps_input"),
      ("transforms: [horizontal-flip]", "data.transforms"),
    ])
  func refuses(line: String, path: String) throws {
    let (options, errors) = try read(
      """
      format: pdebench
      split: {method: trajectory, fractions: [0.8, 0.1, 0.1]}
      \(line)
      """)
    #expect(options == nil)
    #expect(errors.contains { $0.contains(path) })
  }

  @Test(
    "refuses formats and splits that are none",
    arguments: [
      "format: geotiff\nsplit: {method: trajectory, fractions: [0.8, 0.1, 0.1]}",
      "format: pdebench\nsplit: {method: spatial_block, fractions: [0.8, 0.1, 0.1]}",
      "format: pdebench\nsplit: {method: trajectory}",
      "format: pdebench\nsplit: {method: trajectory, fractions: [0.8, 0.1, 0.1], counts: [1, 1, 1]}",
      "format: pdebench\nsplit: {method: trajectory, fractions: [0.8, 0.2]}",
    ])
  func refusesNames(data: String) throws {
    let (options, errors) = try read(data)
    #expect(options == nil)
    #expect(!errors.isEmpty)
  }
}
