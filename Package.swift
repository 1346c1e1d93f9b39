// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// oneDNN is optional: without its header, or with ATTUNE_NO_ONEDNN=1, products run on OpenBLAS.
let hasOneDNN =
  ProcessInfo.processInfo.environment["ATTUNE_NO_ONEDNN"] != "1"
  && FileManager.default.fileExists(atPath: "/usr/include/oneapi/dnnl/dnnl.h")

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]
let cSettings: [CSetting] = [
  .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
]

func module(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude,
    swiftSettings: swiftSettings)
}

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let oneDNNTarget: [Target] =
  hasOneDNN
  ? [
    .target(
      name: "COneDNN", cSettings: cSettings, linkerSettings: [.linkedLibrary("dnnl")])
  ] : []

let package = Package(
  name: "attune",
  products: [
    .library(name: "Attune", targets: ["Attune"]),
    .executable(name: "attune", targets: ["CLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // Level 1: C.
    .target(name: "CKernels", cSettings: cSettings),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    // Headers of libgdal-dev; the library is loaded when a raster is first opened.
    .target(name: "CGDAL", cSettings: cSettings),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    // Level 2: foundations.
    module("Tensors", ["CKernels", "COpenBLAS"] + (hasOneDNN ? ["COneDNN"] : [])),
    module("Recipes", [yams, crypto]),
    module("Formats", ["CGDAL", "CHDF5", "CPNG", "CZlib", "CZstd"]),
    // Level 3: structure.
    module("Layers", ["Tensors"]),
    module("Checkpoints", ["Tensors", "Formats"]),
    // Level 4: science.
    module("Adapters", ["Layers", "Checkpoints", "Recipes", "Tensors", "Formats"]),
    module("Backbones", ["Layers", "Checkpoints", "Recipes", "Tensors"]),
    module("Tasks", ["Layers", "Formats", "Recipes", "Tensors"]),
    module("Datasets", ["Tensors", "Formats", "Recipes"]),
    // Level 5: processes.
    module(
      "Training",
      ["Adapters", "Tasks", "Datasets", "Layers", "Checkpoints", "Recipes", "Tensors"]),
    module("Launch", ["Tensors", "Recipes", grdb]),
    module("Reports", ["Recipes", "Formats", "Tasks"]),
    // Level 6: assembly.
    module(
      "Attune",
      [
        "Training", "Launch", "Reports", "Adapters", "Backbones", "Tasks", "Datasets", "Layers",
        "Checkpoints", "Recipes", "Formats", "Tensors",
      ]),
    // Level 7: the tool `attune`.
    .executableTarget(
      name: "CLI", dependencies: ["Attune", "Recipes", "Launch", "Reports", argumentParser],
      swiftSettings: swiftSettings),
    // Tests mirror the modules.
    .target(
      name: "TestSupport",
      dependencies: ["Tensors", "Formats", "Checkpoints", "Recipes"],
      path: "Tests/TestSupport", swiftSettings: swiftSettings),
    tests("TensorsTests", ["Tensors"]),
    tests("RecipesTests", ["Recipes"]),
    tests("FormatsTests", ["Formats"], exclude: ["Golden"]),
    tests("LayersTests", ["Layers", "Tensors"]),
    tests("CheckpointsTests", ["Checkpoints", "Formats", "Tensors"]),
    tests("AdaptersTests", ["Adapters", "Layers", "Checkpoints", "Formats", "Recipes", "Tensors"]),
    tests(
      "BackbonesTests",
      ["Backbones", "Adapters", "Layers", "Checkpoints", "Formats", "Recipes", "Tensors"]),
    tests(
      "TasksTests", ["Tasks", "Layers", "Checkpoints", "Formats", "Recipes", "Tensors"],
      exclude: ["Golden"]),
    tests(
      "DatasetsTests", ["Datasets", "Formats", "Recipes", "Tensors"], exclude: ["Golden"]),
    tests(
      "TrainingTests",
      ["Training", "Adapters", "Backbones", "Layers", "Checkpoints", "Recipes", "Tensors"]),
    tests("LaunchTests", ["Launch", "Recipes"]),
    tests("ReportsTests", ["Reports", "Recipes", "Formats"]),
    tests(
      "AttuneTests",
      [
        "Attune", "Training", "Tasks", "Adapters", "Backbones", "Datasets", "Layers", "Checkpoints",
        "Recipes", "Formats", "Tensors",
      ], exclude: ["Configurations"]),
    // Runs the built binary, and checks the house itself (imports, file lengths).
    tests("CLITests", ["CLI", "Recipes", "Formats", "Tensors"]),
  ] + oneDNNTarget
)

// With ATTUNE_CORE_ONLY=1 what stands above the backbones is left out, tests and all: how products are
// computed, by oneDNN or without it, decides nothing there.
if ProcessInfo.processInfo.environment["ATTUNE_CORE_ONLY"] == "1" {
  let above: Set = ["Tasks", "Datasets", "Training", "Launch", "Reports", "Attune", "CLI"]
  let others: Set = ["RecipesTests", "FormatsTests", "CheckpointsTests", "AdaptersTests"]
  package.targets.removeAll { target in
    above.contains(target.name) || others.contains(target.name)
      || above.contains { target.name == $0 + "Tests" }
  }
  package.products = []
}
