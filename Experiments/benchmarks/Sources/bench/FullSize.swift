import Diffusion
import Foundation
import Models

/// What LLaDA-8B costs at full size: memory and seconds of a forward pass, with its exact shapes and generated weights.
///
/// Eight of its 32 layers are distinct, with the whole embedding and head: 5.6 GB on disk. The other 24 are projected from what a layer adds.
enum FullSize {
  static let layers = 8
  static let all = 32
  static let positions = 128
  static let asked = 32
  static let repeats = 3

  /// - Returns: whether it kept its goal.
  static func main(_ checkpoints: Checkpoints, goal: Goals.Goal) throws -> Bool {
    let model = GeneratedModel.full(layers: layers)
    var folder = ""
    let written = try Timing.seconds { folder = try checkpoints.directory(of: model) }
    print("LLaDA-8B's shapes, bf16, \(layers) layers of \(all), embedding and head: \(gigabytes(Double(model.bytes))) GB, written in \(seconds(written)) s")
    print("at the start:        \(Memory.now.words)")

    var denoiser: TransformerDenoiser?
    let loaded = try Timing.seconds { denoiser = try TransformerDenoiser(directory: folder, threads: threads) }
    print("loaded in \(seconds(loaded)) s: \(Memory.now.words)")
    guard let denoiser else { return false }
    let whole = try forwardSeconds(denoiser)
    let after = Memory.now
    print("after forward passes: \(after.words)")

    // Half of the layers, from the same file: the difference is what layers cost.
    var options = ModelOptions()
    options.skippedLayers = Array(2..<2 + layers / 2)
    let half = try forwardSeconds(TransformerDenoiser(directory: folder, threads: threads, options: options))
    let perLayer = (whole - half) / Double(layers / 2)
    let full = GeneratedModel.full(layers: all).bytes
    let together = (after.anonymous + Double(full)) / 1e9
    print(
      """

      one forward pass of \(positions) positions, logits of \(asked), \(threads) threads (median of \(repeats))
      \(layers) layers: \(seconds(whole)) s; a layer: \(seconds(perLayer)) s; embedding, last norm, head and summaries: \(seconds(whole - perLayer * Double(layers))) s
      projected to \(all) layers: \(seconds(whole + perLayer * Double(all - layers))) s a pass
      memory of \(all) layers: \(gigabytes(after.anonymous)) GB of the process's own, and \(gigabytes(Double(full))) GB of the mapped file, which the system may drop \
      and read again; together \(gigabytes(together * 1e9)) GB: \(goal.isMet(by: together) ? "met" : "MISSED") (goal: \(goal.words))
      """)
    return goal.isMet(by: together)
  }

  private static var threads: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Median seconds of a pass.
  private static func forwardSeconds(_ denoiser: TransformerDenoiser) throws -> Double {
    let query = ForwardSpeed.query(denoiser, positions: positions, asked: asked)
    return try (0...repeats).map { _ in try Timing.seconds { _ = try denoiser.believe([query]) } }.dropFirst().sorted()[repeats / 2]
  }

  private static func seconds(_ value: Double) -> String { String(format: "%.2f", value) }
  fileprivate static func gigabytes(_ value: Double) -> String { String(format: "%.2f", value / 1e9) }

  /// What `/proc/self/status` says of this process, in bytes.
  private struct Memory {
    let peak: Double
    let anonymous: Double
    let mapped: Double

    static var now: Memory {
      let values = Machine.memory
      return Memory(peak: values["VmHWM"] ?? 0, anonymous: values["RssAnon"] ?? 0, mapped: values["RssFile"] ?? 0)
    }

    var words: String {
      "peak (VmHWM) \(FullSize.gigabytes(peak)) GB; now \(FullSize.gigabytes(anonymous)) GB of its own, \(FullSize.gigabytes(mapped)) GB of mapped files"
    }
  }
}
