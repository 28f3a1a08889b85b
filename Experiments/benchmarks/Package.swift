// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "unmask", path: "../..")],
  targets: [
    .executableTarget(
      name: "bench",
      dependencies: ["Diffusion", "Strategies", "Models", "Traces", "Workbench"].map { .product(name: $0, package: "unmask") })
  ]
)
