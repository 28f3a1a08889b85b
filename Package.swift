// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Tests are read once and run once: the time to optimise them is longer than the time it saves. What they test is optimised.
let unoptimised = strict + [.unsafeFlags(["-Onone"])]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let fixtures: [Resource] = [.copy("Fixtures")]

let package = Package(
  name: "unmask",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Diffusion", targets: ["Diffusion"]),
    .library(name: "Strategies", targets: ["Strategies"]),
    .library(name: "Models", targets: ["Models"]),
    .library(name: "Traces", targets: ["Traces"]),
    .library(name: "Workbench", targets: ["Workbench"]),
    .library(name: "Commands", targets: ["Commands"]),
    .executable(name: "unmask", targets: ["unmask"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C libraries of the system, and the few loops that Swift cannot express at the width of the hardware.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CKernels"),
    // What confines programs that a model wrote: between fork and exec no Swift may run.
    .target(name: "CSandbox"),

    // Dependencies point one way: unmask -> Commands -> Workbench -> {Strategies, Models, Traces} -> Diffusion.
    .target(name: "Diffusion", swiftSettings: strict),
    .target(name: "Strategies", dependencies: ["Diffusion"], exclude: ["Pages"], swiftSettings: strict),
    .target(
      name: "Models", dependencies: ["Diffusion", "COpenBLAS", "CKernels", logging], exclude: ["Pages"],
      resources: [.copy("Resources/reference"), .copy("Resources/worker")], swiftSettings: strict),
    .target(name: "Traces", dependencies: ["Diffusion", "CHDF5", logging], swiftSettings: strict),
    .target(
      name: "Workbench",
      dependencies: ["Diffusion", "Strategies", "Models", "Traces", "CSandbox", "CZlib", logging, .product(name: "Yams", package: "Yams")],
      resources: [.copy("Resources/replay")], swiftSettings: strict),
    .target(
      name: "Commands",
      dependencies: [
        "Diffusion", "Strategies", "Models", "Traces", "Workbench", logging,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .executableTarget(name: "unmask", dependencies: ["Commands", "Strategies"], swiftSettings: strict),

    .target(name: "Support", dependencies: ["Diffusion"], path: "Tests/Support", swiftSettings: strict),
    .testTarget(name: "DiffusionTests", dependencies: ["Diffusion", "Support"], swiftSettings: unoptimised),
    .testTarget(
      name: "StrategiesTests", dependencies: ["Diffusion", "Strategies", "Models", "Support"],
      resources: fixtures, swiftSettings: strict),
    .testTarget(
      name: "ModelsTests", dependencies: ["Diffusion", "Models", "Support"], resources: fixtures, swiftSettings: strict),
    .testTarget(
      name: "TracesTests", dependencies: ["Diffusion", "Traces", "Strategies", "Support", "CHDF5"],
      swiftSettings: unoptimised),
    .testTarget(
      name: "WorkbenchTests",
      dependencies: ["Diffusion", "Strategies", "Models", "Traces", "Workbench", "Commands", "Support", "unmask"],
      resources: fixtures, swiftSettings: unoptimised),
  ]
)
