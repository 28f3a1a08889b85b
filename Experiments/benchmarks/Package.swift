// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "unmask", path: "../..")],
  targets: [
    // OpenBLAS as anybody calls it: what a forward pass is held against.
    .systemLibrary(name: "CPlainBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .executableTarget(
      name: "bench",
      dependencies: ["CPlainBLAS"] + ["Diffusion", "Strategies", "Models", "Traces", "Workbench"].map { .product(name: $0, package: "unmask") }),
  ]
)
