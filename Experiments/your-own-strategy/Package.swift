// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "my-unmask",
  platforms: [.macOS(.v15)],
  // In a repository of your own: .package(url: "<where you got Unmask>", branch: "main").
  dependencies: [.package(name: "unmask", path: "../..")],
  targets: [
    .executableTarget(
      name: "my-unmask",
      dependencies: [
        .product(name: "Diffusion", package: "unmask"),
        .product(name: "Strategies", package: "unmask"),
        .product(name: "Commands", package: "unmask"),
      ])
  ]
)
