#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// The models that can be named: those shipped with the package, and any directory in Hugging Face layout.
public struct ModelCatalog: Sendable {
  /// Where the shipped models are, one directory each.
  public let resources: String

  /// Finds the shipped models.
  ///
  /// Looked for, in this order: `resources` if given, the environment's UNMASK_RESOURCES, `unmask_Models.resources` beside the
  /// executable, the source tree this program was built from. The first two are taken at their word.
  public init(resources: String? = nil) throws(ModelError) {
    if let told = resources ?? getenv("UNMASK_RESOURCES").map({ String(cString: $0) }), !told.isEmpty {
      guard Self.isDirectory(told) else { throw .noResources(searched: [told]) }
      self.resources = told
      return
    }
    let places = [Self.executableDirectory + "/unmask_Models.resources", Self.sourceDirectory + "/Resources"]
    guard let found = places.first(where: Self.isDirectory) else { throw .noResources(searched: places) }
    self.resources = found
  }

  /// The names of the shipped models, sorted.
  public var names: [String] { Self.entries(resources).filter { MappedFile.exists(resources + "/\($0)/config.json") }.sorted() }

  /// The directory of a shipped model, or the directory itself if `name` is a path.
  public func directory(_ name: String) throws(ModelError) -> String {
    if names.contains(name) { return resources + "/" + name }
    guard Self.isDirectory(name) else { throw .unknownModel(name: name, known: names) }
    return name
  }

  /// SHA-256 over the names and bytes of everything that decides what a model computes: configuration, tokenizer and weights.
  ///
  /// It is the digest of lines "digest name", one per file in order of name, so `sha256sum` can reproduce it. Options, and what computes in place of the
  /// native engine, are further lines.
  public static func digest(_ directory: String, options: ModelOptions = .none, engine: String? = nil) throws(ModelError) -> String {
    var files = ["config.json"]
    if MappedFile.exists(directory + "/tokenizer.json") { files.append("tokenizer.json") }
    if MappedFile.exists(directory + "/model.safetensors") {
      files.append("model.safetensors")
    } else {
      files += entries(directory).filter { $0.hasSuffix(".safetensors") || $0 == "model.safetensors.index.json" }
    }
    var lines = ""
    for name in files.sorted() { lines += "\(try digestOfFile(directory + "/" + name))  \(name)\n" }
    if options != .none { lines += options.text + "\n" }
    if let engine { lines += engine + "\n" }
    var all = SHA256()
    all.update(lines.utf8)
    return all.hexadecimal()
  }

  private static func digestOfFile(_ path: String) throws(ModelError) -> String {
    do throws(WeightsError) {
      var digest = SHA256()
      try MappedFile(path).withBytes { digest.update($0) }
      return digest.hexadecimal()
    } catch { throw .weights(error) }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Names of entries; none where the directory cannot be read.
  private static func entries(_ path: String) -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: path) } catch { return [] }
  }

  private static var executableDirectory: String {
    var path = CommandLine.arguments.first ?? ""
    if let real = realpath("/proc/self/exe", nil) ?? realpath(path, nil) {
      path = String(cString: real)
      free(real)
    }
    return directory(of: path)
  }

  private static var sourceDirectory: String { directory(of: #filePath) }

  private static func directory(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
}
