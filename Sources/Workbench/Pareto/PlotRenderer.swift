package import Diffusion
internal import Foundation
internal import Synchronization

/// Renders Vega-Lite specifications offline, with the Python package vl-convert in a process of its own.
package struct PlotRenderer: Sendable {
  /// What a specification becomes.
  package enum Form: Sendable {
    case svg
    /// - Parameter scale: pixels of the file per pixel of the specification.
    case png(scale: Double)
  }

  /// The Python that runs vl-convert.
  package let python: String

  /// Finds a Python: the one named, else the environment's UNMASK_PYTHON, the one that `make plots` makes in the source tree this program was built from, or
  /// `python3` on the PATH. Whether it has the package shows when it is used.
  package init(python named: String? = nil) throws(ConfigurationError) {
    let environment = ProcessInfo.processInfo.environment
    if let given = named ?? environment["UNMASK_PYTHON"], !given.isEmpty {
      guard FileManager.default.isExecutableFile(atPath: given) else {
        let source = named == nil ? "UNMASK_PYTHON" : "--python"
        throw .unreadable(file: given, reason: "this is no program, and \(source) names it; " + Self.remedy)
      }
      python = given
      return
    }
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL.path
    let path = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/python3" }
    let places = ["\(root)/.build/plots/venv/bin/python"] + path
    guard let found = places.first(where: FileManager.default.isExecutableFile) else {
      throw .unsupported("plots need Python with vl-convert, and there is none in \(places.joined(separator: ", ")); " + Self.remedy)
    }
    python = found
  }

  /// A specification as a picture.
  package func render(_ specification: Setting, as form: Form) throws(ConfigurationError) -> [UInt8] {
    switch form {
    case .svg: try run("svg", input: specification.json)
    case .png(let scale): try run("png", "\(scale)", input: specification.json)
    }
  }

  /// Vega, Vega-Lite and Vega-Embed as one script, which defines `vegaEmbed`.
  package func javascript() throws(ConfigurationError) -> String { String(decoding: try run("javascript", input: ""), as: UTF8.self) }

  private static let remedy = "`make plots` makes one, or `pip install vl-convert-python==1.9.0.post1` into a Python of your own that --python names"

  /// Seconds after which a rendering is given up.
  private static let patience = 180

  /// A module of the current folder is never loaded, and a fault is one line.
  private static let script = """
    import sys
    sys.path = [place for place in sys.path if place]
    try:
        import vl_convert
    except ImportError:
        sys.exit(69)
    form, source = sys.argv[1], sys.stdin.read()
    try:
        if form == "svg":
            out = vl_convert.vegalite_to_svg(source, vl_version="6.4").encode()
        elif form == "png":
            out = vl_convert.vegalite_to_png(source, vl_version="6.4", scale=float(sys.argv[2]))
        else:
            out = vl_convert.javascript_bundle(vl_version="6.4").encode()
    except Exception as error:
        print(" ".join(str(error).split("Stack backtrace")[0].split()), file=sys.stderr)
        sys.exit(1)
    sys.stdout.buffer.write(out)
    """

  /// The script's output for a form, the specification on its standard input.
  private func run(_ arguments: String..., input: String) throws(ConfigurationError) -> [UInt8] {
    let file = FileManager.default.temporaryDirectory.appending(path: "unmask-plot-\(UUID().uuidString).json")
    let (output, fault) = (Pipe(), Pipe())
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", Self.script] + arguments
    process.standardOutput = output
    process.standardError = fault
    do {
      try Data(input.utf8).write(to: file, options: .withoutOverwriting)
      process.standardInput = try FileHandle(forReadingFrom: file)
      try FileManager.default.removeItem(at: file)
      try process.run()
    } catch { throw .unreadable(file: python, reason: "it cannot be started: \(YAML.reason(error))") }
    // Both are read at once, so that neither fills up.
    let complaint = Mutex("")
    let reading = DispatchGroup()
    let errors = fault.fileHandleForReading
    DispatchQueue.global().async(group: reading) {
      let text = String(decoding: errors.readDataToEndOfFile(), as: UTF8.self)
      complaint.withLock { $0 = text }
    }
    let isLate = Mutex(false)
    let alarm = DispatchWorkItem { [process] in
      guard process.isRunning else { return }
      isLate.withLock { $0 = true }
      kill(process.processIdentifier, SIGKILL)
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(Self.patience), execute: alarm)
    let bytes = Array(output.fileHandleForReading.readDataToEndOfFile())
    reading.wait()
    process.waitUntilExit()
    alarm.cancel()
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      if isLate.withLock({ $0 }) { throw .unsupported("\(python): no picture after \(Self.patience) seconds; it was stopped") }
      if process.terminationStatus == 69 { throw .unsupported("\(python) has no package vl-convert; " + Self.remedy) }
      let last = complaint.withLock { $0 }.split(separator: "\n").last.map(String.init) ?? "it ended with \(process.terminationStatus)"
      throw .unsupported("\(python): \(last.prefix(400))")
    }
    return bytes
  }
}
