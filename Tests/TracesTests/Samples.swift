import Diffusion
import Foundation
import Support
import Testing

@testable import Traces

/// Traces to test with: decodes of the toy model, of every kind of edit.
enum Samples {
  static let toy = ToyDenoiser(sharpness: 3)

  static func record(
    _ canvas: Canvas, _ rules: [any Strategy], problem: String = "p", seed: Int = 0, level: TraceLevel = .edits, correct: Int = 1
  ) throws -> SampleTrace {
    let decoded = try decode(canvas, rules, with: toy, random: SeededRandom(seed: UInt64(seed)), observed: level.needs)
    if let error = decoded.error { throw error }
    var builder = TraceBuilder(canvas: canvas, problem: problem, seed: seed, level: level)
    for round in decoded.rounds { builder.record(round) }
    return builder.finish(correct: correct, seconds: 0.25)
  }

  /// A rule that reveals, replaces, remasks, inserts, deletes, notes drafts on another branch and passes.
  static var everything: Custom {
    Custom(needs: Needs(.window)) { step in
      let open = step.open
      switch step.index {
      case 0: step.pass()
      case 1: open.prefix(3).forEach { step.reveal($0) }
      case 2:
        let canvas = step.canvas
        if let first = canvas.response.indices.first(where: { !canvas.isMasked($0) && !canvas.pinned[$0] }) { step.replace(first, with: 5) }
        step.insertMask(before: canvas.response.count)
        if let last = open.last { step.reveal(last) }
      case 3:
        let canvas = step.canvas
        if let first = canvas.response.indices.first(where: { !canvas.isMasked($0) && !canvas.pinned[$0] }) { step.remask(first) }
        step.delete(canvas.response.count - 1)
        var draft = step.substep(on: step.canvas, believing: step.belief, index: step.index)
        if let next = draft.open.last { draft.reveal(next) }
        step.note(draft, branch: 1)
        if let next = open.last { step.reveal(next) }
      default:
        if let best = open.first { step.reveal(best) }
      }
    }
  }

  static func trace(level: TraceLevel = .edits, count: Int = 4) throws -> Trace {
    var samples: [SampleTrace] = []
    for index in 0..<count {
      let canvas = try Canvas.toy(16 + 8 * (index % 3), prompt: index, seed: UInt64(index), pinned: index % 2 == 1 ? [1: 4, 6: 7] : [:])
      let rules: [[any Strategy]] = [[OneByOne()], [Threshold(0.6)], [everything]]
      // Insertions do not go with pinned positions.
      let rule = index % 2 == 1 ? rules[index / 2 % 2] : index == 0 ? rules[2] : rules[index % 3]
      samples.append(try record(canvas, rule, problem: "arithmetic/\(index)·é", seed: index, level: level, correct: index % 3 - 1))
    }
    return try assemble(samples, level: level)
  }

  static func assemble(_ samples: [SampleTrace], level: TraceLevel = .edits) throws -> Trace {
    try Trace(
      attributes: Trace.Attributes(
        config: #"{"gen_length":16}"#, runDigest: "run", modelDigest: "model", level: level, vocabulary: toy.vocabulary, timing: .shared), samples: samples)
  }
}

/// A folder of its own for a test, removed afterwards.
final class Folder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "traces-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch {
      // Somebody removed it first.
    }
  }

  func file(_ name: String = "trace.h5") -> String { path + "/" + name }
  func bytes(_ name: String = "trace.h5") throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: file(name)))) }
  func write(_ bytes: [UInt8], _ name: String = "trace.h5") throws { try Data(bytes).write(to: URL(fileURLWithPath: file(name))) }
  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
}

/// Python with h5py, where this machine has it.
enum Python {
  static let interpreter: String? = ["/usr/bin/env"].first { _ in
    do { return try run("import h5py, numpy").status == 0 } catch { return false }
  }

  static func run(_ program: String, _ arguments: [String] = []) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [ProcessInfo.processInfo.environment["UNMASK_PYTHON"] ?? "python3", "-c", program] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }
}
