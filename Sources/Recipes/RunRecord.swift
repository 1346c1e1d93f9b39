/// Everything a report says about one run, as data.
///
/// Written by the run as `record.json` in its directory, read by reports; never live objects.
package struct RunRecord: Codable, Sendable, Equatable {
  package static let currentFormat = "attune-run/1"

  package var format = RunRecord.currentFormat
  package var name: String
  /// SHA-256 over the resolved recipe and the content of all inputs, 64 hex digits.
  package var digest: String
  package var seed: Int
  package var task: String
  /// Some component's formula is unverified: named in the report, left out of rankings.
  package var experimental = false
  /// Resolved recipe as YAML.
  package var recipe: String
  /// Exact command line that repeats the run.
  package var command: String
  package var program: String
  package var environment: Environment
  package var startedAt: String
  package var finishedAt: String
  package var wallSeconds: Double
  /// Training steps alone, without reading data and evaluation.
  package var trainSeconds: Double
  package var peakMemoryBytes: Int
  package var steps: Int
  package var model: Model
  package var data: Data
  /// One entry per evaluated split, in the order in which they ran.
  package var evaluations: [Evaluation]
  package var samples: [Sample] = []
  /// Nil for a run of one party.
  package var federated: Federated?
  /// Sentences the reader must know: missing splits, quirks switched on, skipped parts.
  package var notes: [String] = []

  package struct Environment: Codable, Sendable, Equatable {
    package var host: String
    package var system: String
    package var processor: String
    package var instructionSet: String
    package var threads: Int
    /// Library name to version.
    package var libraries: [String: String]
    package init(
      host: String, system: String, processor: String, instructionSet: String, threads: Int,
      libraries: [String: String]
    ) {
      self.host = host
      self.system = system
      self.processor = processor
      self.instructionSet = instructionSet
      self.threads = threads
      self.libraries = libraries
    }
  }

  package struct Model: Codable, Sendable, Equatable {
    package var backbone: String
    /// Option name to value, defaults included.
    package var options: [String: String]
    package var totalParameters: Int
    package var trainableParameters: Int
    /// Trained values that ever had a gradient other than zero.
    ///
    /// Fewer than the trainable ones where the architecture leaves part of a weight unused on this
    /// data; nil where unknown.
    package var reachedParameters: Int?
    package var adapters: [Adapter]
    /// Nil when training started from random weights.
    package var weights: Weights?
    /// What adapters did to weights; nil where nothing was measured.
    package var updates: [WeightUpdate]?
    /// Adapted weights that were not looked at.
    package var updatesLeft: Int?
    package init(
      backbone: String, options: [String: String], totalParameters: Int, trainableParameters: Int,
      adapters: [Adapter], weights: Weights?
    ) {
      self.backbone = backbone
      self.options = options
      self.totalParameters = totalParameters
      self.trainableParameters = trainableParameters
      self.adapters = adapters
      self.weights = weights
    }
  }

  package struct Adapter: Codable, Sendable, Equatable {
    package var name: String
    package var method: String
    package var options: [String: String]
    /// Module paths it was attached to.
    package var modules: [String]
    /// Base modules or parameters trained in full beside it.
    package var modulesToSave: [String]
    package var parameters: Int
    package var fileBytes: Int
    package init(
      name: String, method: String, options: [String: String], modules: [String],
      modulesToSave: [String], parameters: Int, fileBytes: Int
    ) {
      self.name = name
      self.method = method
      self.options = options
      self.modules = modules
      self.modulesToSave = modulesToSave
      self.parameters = parameters
      self.fileBytes = fileBytes
    }
  }

  package struct Weights: Codable, Sendable, Equatable {
    package var path: String
    /// SHA-256 of the file.
    package var digest: String
    package var matched: Int
    package var missing: [String]
    package var unexpected: [String]
    package var resized: [String]
    /// Key layout of the file; nil in records of before it was kept.
    package var layout: String?
    package init(
      path: String, digest: String, matched: Int, missing: [String], unexpected: [String],
      resized: [String], layout: String? = nil
    ) {
      self.path = path
      self.digest = digest
      self.matched = matched
      self.missing = missing
      self.unexpected = unexpected
      self.resized = resized
      self.layout = layout
    }
  }

  package struct Data: Codable, Sendable, Equatable {
    package var format: String
    package var files: [File]
    /// Split name to what it holds.
    package var splits: [String: Split]
    package var inputs: [Input]
    package var skipped: [Skipped]
    /// How the split was made, in words with its numbers.
    package var splitMethod: String
    /// Digest of the test part: runs with different ones are never ranked together.
    package var testDigest: String
    /// What the split lets pass between its parts, in sentences with the measured shares.
    package var overlaps: [String] = []
    /// Share of the test part that the training part shows too: of its ground under training windows, or
    /// of its pixels inside training patches; nil where it was not measured.
    package var leak: Double?
    /// Nil for data that are no scene.
    package var spectra: Spectra?
    /// Classes or values of the target with their training counts; nil where it has none.
    package var target: TargetDescription?
    /// The data set cards that the recipe names; nil where it names none.
    package var cards: [DataCard.Note]?

    package init(
      format: String, files: [File], splits: [String: Split], inputs: [Input], skipped: [Skipped],
      splitMethod: String, testDigest: String
    ) {
      self.format = format
      self.files = files
      self.splits = splits
      self.inputs = inputs
      self.skipped = skipped
      self.splitMethod = splitMethod
      self.testDigest = testDigest
    }

    package struct File: Codable, Sendable, Equatable {
      package var path: String
      package var bytes: Int
      package var digest: String
      package init(path: String, bytes: Int, digest: String) {
        self.path = path
        self.bytes = bytes
        self.digest = digest
      }
    }

    package struct Split: Codable, Sendable, Equatable {
      /// Independent units: trajectories, scenes, images.
      package var units: Int
      /// What one unit is called, in the plural.
      package var unitName: String
      /// Samples that the model sees: windows, patches, images.
      package var samples: Int
      package init(units: Int, unitName: String, samples: Int) {
        self.units = units
        self.unitName = unitName
        self.samples = samples
      }
    }

    package struct Input: Codable, Sendable, Equatable {
      package var name: String
      package var bands: [String]
      package var unit: String
      /// Axis lengths with their names, as `T 21, W 128`.
      package var shape: String
      /// Grid and time step, metres per pixel: text with units.
      package var resolution: String
      package var normalization: String
      /// Per band, in the order of `bands`; empty where they are per sample.
      package var means: [Double]
      package var standardDeviations: [Double]
      package init(
        name: String, bands: [String], unit: String, shape: String, resolution: String,
        normalization: String, means: [Double], standardDeviations: [Double]
      ) {
        self.name = name
        self.bands = bands
        self.unit = unit
        self.shape = shape
        self.resolution = resolution
        self.normalization = normalization
        self.means = means
        self.standardDeviations = standardDeviations
      }
    }

    package struct Skipped: Codable, Sendable, Equatable {
      package var sample: String
      package var reason: String
      package init(sample: String, reason: String) {
        self.sample = sample
        self.reason = reason
      }
    }
  }

  package struct Metric: Codable, Sendable, Equatable {
    /// `VRMSE`, `VRMSE_rollout`, `nRMSE`.
    package var name: String
    package var value: Double
    package var ciLower: Double?
    package var ciUpper: Double?
    /// Number of independent units behind the value.
    package var count: Int
    package var unit: String
    package var lowerIsBetter: Bool
    /// Definition in words and symbols, printed by the report.
    package var formula: String
    package init(
      name: String, value: Double, ciLower: Double?, ciUpper: Double?, count: Int, unit: String,
      lowerIsBetter: Bool, formula: String
    ) {
      self.name = name
      self.value = value
      self.ciLower = ciLower
      self.ciUpper = ciUpper
      self.count = count
      self.unit = unit
      self.lowerIsBetter = lowerIsBetter
      self.formula = formula
    }
  }

  /// One shown sample: best, median or worst by the headline metric.
  package struct Sample: Codable, Sendable, Equatable {
    package var identifier: String
    /// `best`, `median`, `worst`.
    package var rank: String
    package var score: Double
    package var panels: [Panel]
    /// What a picture does not show: true and decided class, or numbers; nil in older records.
    package var note: String?
    package init(identifier: String, rank: String, score: Double, panels: [Panel]) {
      self.identifier = identifier
      self.rank = rank
      self.score = score
      self.panels = panels
    }
  }

  /// A picture as numbers: rows by columns, first row on top.
  package struct Panel: Codable, Sendable, Equatable {
    /// `truth`, `prediction`, `error`, `input`.
    package var title: String
    package var rows: Int
    package var columns: Int
    package var rowAxis: String
    package var columnAxis: String
    package var unit: String
    package var values: [Float]
    /// Errors use a diverging palette centred on zero.
    package var isSigned: Bool
    /// Values are numbers of these classes, drawn in their colors; nil for magnitudes.
    package var classNames: [String]?
    package init(
      title: String, rows: Int, columns: Int, rowAxis: String, columnAxis: String, unit: String,
      values: [Float], isSigned: Bool
    ) {
      self.title = title
      self.rows = rows
      self.columns = columns
      self.rowAxis = rowAxis
      self.columnAxis = columnAxis
      self.unit = unit
      self.values = values
      self.isSigned = isSigned
    }
  }

  package init(
    name: String, digest: String, seed: Int, task: String, recipe: String, command: String,
    program: String, environment: Environment, startedAt: String, finishedAt: String,
    wallSeconds: Double, trainSeconds: Double, peakMemoryBytes: Int, steps: Int, model: Model,
    data: Data, evaluations: [Evaluation]
  ) {
    self.name = name
    self.digest = digest
    self.seed = seed
    self.task = task
    self.recipe = recipe
    self.command = command
    self.program = program
    self.environment = environment
    self.startedAt = startedAt
    self.finishedAt = finishedAt
    self.wallSeconds = wallSeconds
    self.trainSeconds = trainSeconds
    self.peakMemoryBytes = peakMemoryBytes
    self.steps = steps
    self.model = model
    self.data = data
    self.evaluations = evaluations
  }
}

/// One line of `steps.jsonl` after line 0.
package struct StepEvent: Codable, Sendable, Equatable {
  package var step: Int
  /// First 16 hex digits of the SHA-256 of the sample identifiers in order.
  package var batch: String
  package var loss: Double
  /// Snake-case keys of the published file.
  package var gradientNorm: Double
  package var learningRate: Double

  enum CodingKeys: String, CodingKey {
    case step, batch, loss
    case gradientNorm = "grad_norm"
    case learningRate = "lr"
  }

  package init(
    step: Int, batch: String, loss: Double, gradientNorm: Double, learningRate: Double
  ) {
    self.step = step
    self.batch = batch
    self.loss = loss
    self.gradientNorm = gradientNorm
    self.learningRate = learningRate
  }
}

/// One line of `metrics.jsonl`: an evaluation during training.
package struct MetricsEvent: Codable, Sendable, Equatable {
  package var step: Int
  package var epoch: Double
  package var seconds: Double
  /// `val/VRMSE` to its value.
  package var metrics: [String: Double]

  package init(step: Int, epoch: Double, seconds: Double, metrics: [String: Double]) {
    self.step = step
    self.epoch = epoch
    self.seconds = seconds
    self.metrics = metrics
  }
}
