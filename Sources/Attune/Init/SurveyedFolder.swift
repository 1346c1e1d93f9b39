import Datasets
import Foundation
import Formats
import Recipes

/// The files that `init` looks at, found once.
struct SurveyedFolder {
  /// Absolute path of the folder, or of the folder that holds the one file.
  let root: String
  /// Paths below the root, sorted; hidden files and more than `limit` are left out.
  let files: [String]
  let wasFile: Bool

  /// Enough to see a layout by.
  private static let limit = 200_000

  /// - Throws: `FormatError.fileMissing` for a path where nothing lies.
  init(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw FormatError.fileMissing(path: path)
    }
    let full = FilePath.absolute(path, relativeTo: FilePath.current)
    wasFile = !isFolder.boolValue
    guard isFolder.boolValue else {
      root = FilePath.directory(of: full)
      files = [(full as NSString).lastPathComponent]
      return
    }
    root = full
    var found: [String] = []
    let entries = FileManager.default.enumerator(atPath: full)
    while found.count < Self.limit, let name = entries?.nextObject() as? String {
      guard !name.split(separator: "/").contains(where: { $0.hasPrefix(".") }),
        entries?.fileAttributes?[.type] as? FileAttributeType == .typeRegular
      else { continue }
      found.append(name)
    }
    files = found.sorted { $0.compare($1, options: [.numeric, .literal]) == .orderedAscending }
  }

  /// Files with one of the endings.
  func files(ending suffixes: [String]) -> [String] {
    files.filter { suffixes.contains(($0 as NSString).pathExtension.lowercased()) }
  }

  func path(_ name: String) -> String { root + "/" + name }
}

/// One layout of data that `init` knows.
protocol DataSurvey: Sendable {
  /// What the data are, in words.
  static var kind: String { get }
  /// A recipe for the data, or nil where they are of another layout.
  ///
  /// - Throws: what reading files of the layout throws.
  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft?
}

/// In the order in which layouts are tried: those that say most of themselves first.
enum DataSurveys {
  static let all: [any DataSurvey.Type] = [
    M3LEOSurvey.self,
    TrajectorySurvey.self,
    SceneSurvey.self,
    TableSurvey.self,
    ClassFolderSurvey.self,
    PairSurvey.self,
    PictureSurvey.self,
  ]
}

extension RecipeDraft {
  /// Adapter, where there are weights to adapt, and training.
  mutating func addTraining(adapting: Bool = true, rate: Double = 1e-3, epochs: Int = 20) {
    if adapting {
      placeholder(
        "model.weights", .text(Self.mark + "/weights.safetensors"),
        "pretrained weights of this backbone; or none, and then remove the adapter")
      set("adapter", ["method": "lora", "r": 8, "alpha": 16])
      comment("adapter", "Low-rank updates of attention and MLP; the head is trained in full.")
    } else {
      set("model.weights", "none")
    }
    set("train.epochs", .integer(epochs))
    set("train.optimizer", ["name": "adamw", "lr": .number(rate), "weight_decay": 0.01])
    set("train.lr_scheduler", ["name": "cosine", "warmup_ratio": 0.1])
  }
}
